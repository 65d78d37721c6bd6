"""Bounded readers of the files that a user gives: bytes, JSON, YAML, npz and safetensors.

Every size is limited before it is read, so that no file costs much time or memory. What a file
holds beyond its format is checked by its own schema.
"""
