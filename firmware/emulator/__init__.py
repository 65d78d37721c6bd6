# SPDX-License-Identifier: GPL-3.0-or-later
"""An ATmega2560 with three PCA9685, for tests: GPL-3-or-later, see README.md in this folder."""
