"""The firmware for the ATmega2560: C sources here, their build in ``image.py``."""
