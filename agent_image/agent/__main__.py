"""Started as `python3 -I -S <folder>/agent` by the host; finds its own package, then begins."""

import os
import sys

# The folder itself comes first by default: its file names would then stand in for the library's.
sys.path[:1] = []
sys.path.append(os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")))

from agent_image.agent.start import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
