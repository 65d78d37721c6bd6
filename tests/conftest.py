"""What every test takes for granted: nothing of the person who runs it."""

import os

os.environ["MIEN_EMOTIONS"] = ""  # their own emotions would join the eight
