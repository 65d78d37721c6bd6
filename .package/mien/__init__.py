"""Mien: a control stack for animatronic faces."""
