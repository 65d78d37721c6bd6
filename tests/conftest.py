"""What every test takes for granted: nothing of the person who runs it."""

import os
import tempfile

os.environ["MIEN_EMOTIONS"] = ""  # their own emotions would join the eight
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="mien-tests-")  # and their own calibrations
