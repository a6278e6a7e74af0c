// Elements are made by hand and filled with text nodes: nothing that anybody wrote is ever markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key in made && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function link(address, ...children) {
  let parsed = null;
  try { parsed = new URL(address, location.href); } catch { /* shown as text below */ }
  if (!parsed || !["http:", "https:"].includes(parsed.protocol)) return element("span", {}, ...children);
  return element("a", { href: parsed.href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}
