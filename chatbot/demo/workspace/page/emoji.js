// The names that are likely here; others stay as :name:.

const NAMES = {
  "+1": "👍", "-1": "👎", thumbsup: "👍", thumbsdown: "👎", eyes: "👀", white_check_mark: "✅", grey_question: "❔", moneybag: "💰", heavy_check_mark: "✔️",
  x: "❌", warning: "⚠️", tada: "🎉", rocket: "🚀", hourglass: "⌛", hourglass_flowing_sand: "⏳", wave: "👋",
  thinking_face: "🤔", memo: "📝", mag: "🔍", bug: "🐛", wrench: "🔧", hammer: "🔨", gear: "⚙️", lock: "🔒",
  unlock: "🔓", key: "🔑", link: "🔗", package: "📦", sparkles: "✨", fire: "🔥", octagonal_sign: "🛑",
  stop_sign: "🛑", no_entry: "⛔", construction: "🚧", robot_face: "🤖", bulb: "💡", question: "❓",
  exclamation: "❗", heart: "❤️", clap: "👏", pray: "🙏", raised_hands: "🙌", raised_hand: "✋", outbox_tray: "📤", inbox_tray: "📥", mute: "🔇", ok_hand: "👌", point_right: "👉",
  arrow_right: "➡️", arrows_counterclockwise: "🔄", repeat: "🔁", clock1: "🕐", zap: "⚡", star: "⭐", bell: "🔔",
  speech_balloon: "💬", file_folder: "📁", open_file_folder: "📂", page_facing_up: "📄", clipboard: "📋",
  chart_with_upwards_trend: "📈", test_tube: "🧪", shield: "🛡️", computer: "💻", smile: "😄", smiley: "😃",
  grinning: "😀", joy: "😂", sob: "😭", sweat_smile: "😅", slightly_smiling_face: "🙂", red_circle: "🔴",
  twisted_rightwards_arrows: "🔀", see_no_evil: "🙈", large_green_circle: "🟢", large_yellow_circle: "🟡", large_blue_circle: "🔵", white_circle: "⚪", wastebasket: "🗑️",
};

export const PICKS = ["+1", "eyes", "tada", "white_check_mark", "thinking_face"];

export function emoji(name) {
  return NAMES[name.split("::")[0]] ?? `:${name}:`;
}
