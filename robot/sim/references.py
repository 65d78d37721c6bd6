"""Names inside a mechanism file: ``*`` written out to left and right, and every name resolved."""

from __future__ import annotations

from collections import Counter
from typing import Any

_MIRRORED = {"pull", "lever", "toward", "sheath", "offset", "center"}


def mirror_all(tree: Any) -> Any:
    """The tree with every ``*`` entry of its sections replaced by its left and right twin."""
    if not isinstance(tree, dict):
        return tree
    return {
        section: _section(content) if isinstance(content, dict) else content
        for section, content in tree.items()
    }


def _section(entries: dict[Any, Any]) -> dict[Any, Any]:
    out: dict[Any, Any] = {}
    for name, entry in entries.items():
        if isinstance(name, str) and "*" in name and isinstance(entry, dict):
            for index, side in enumerate(("left", "right")):
                out[name.replace("*", side)] = _twin(entry, side, index)
        else:
            out[name] = entry
    return out


def _twin(value: Any, side: str, index: int, key: str = "") -> Any:
    if isinstance(value, str):
        return value.replace("*", side)
    if isinstance(value, dict):
        return {_twin(k, side, index): _twin(v, side, index, str(k)) for k, v in value.items()}
    if isinstance(value, list):
        if key == "landmark" and len(value) == 2:
            return value[index]
        if key in _MIRRORED and side == "right" and len(value) == 3:
            return [-value[0] if isinstance(value[0], int | float) else value[0], *value[1:]]
        return [_twin(v, side, index, key) for v in value]
    return value


def references(tree: dict[str, Any]) -> list[str]:
    """Every name in a mechanism that points nowhere, and every actuator with no or two horns."""
    nodes, bodies = tree["nodes"], tree["bodies"]
    joints = {j for body in bodies.values() for j in body["joints"]}
    out = []

    def check(where: str, name: str | None, known: Any, what: str) -> None:
        if name is not None and name not in known:
            out.append(f"{where}: there is no {what} {name!r}; there are {', '.join(known)}")

    seen: Counter[str] = Counter(j for body in bodies.values() for j in body["joints"])
    out += [f"bodies: joint {j!r} is given {k} times" for j, k in seen.items() if k > 1]
    earlier = ["world"]
    for name, body in bodies.items():
        check(f"bodies.{name}.parent", body["parent"], earlier, "earlier body")
        earlier.append(name)
    for name, node in nodes.items():
        check(f"nodes.{name}.parent", node["parent"], bodies, "body")
    for name, bulge in tree["bulges"].items():
        for term in bulge["terms"]:
            node_name, _, axis = term.partition(".")
            check(f"bulges.{name}", node_name, nodes, "node")
            check(f"bulges.{name}.{node_name}", axis, ("x", "y", "z"), "axis")
    for name, cord in tree["cords"].items():
        for member in cord["nodes"]:
            check(f"cords.{name}", member, nodes, "node")
    horns: Counter[str] = Counter()
    for name, linkage in tree["linkages"].items():
        check(f"linkages.{name}.mount", linkage["mount"], earlier, "body")
        check(f"linkages.{name}.node", linkage["node"], nodes, "node")
        check(f"linkages.{name}.joint", linkage["joint"], joints, "joint")
        horns[linkage["actuator"]] += linkage["horn"] is not None
    for name, tendon in tree["tendons"].items():
        check(f"tendons.{name}.mount", tendon["mount"], earlier, "body")
        check(f"tendons.{name}.node", tendon["node"], nodes, "node")
        horns[tendon["actuator"]] += 1
    out += [f"actuator {a!r} has {k} horns, it needs one" for a, k in horns.items() if k != 1]
    for name, contact in tree["contacts"].items():
        check(f"contacts.{name}.upper", contact["upper"], nodes, "node")
        check(f"contacts.{name}.lower", contact["lower"], nodes, "node")
    for name, stop in tree["stops"].items():
        for joint in stop["terms"]:
            check(f"stops.{name}", joint, joints, "joint")
    outputs = tree["outputs"]
    for key in ("head", "jaw", "tongue"):
        check(f"outputs.{key}", outputs[key], bodies, "body")
    for joint in outputs["lids"]:
        check("outputs.lids", joint, joints, "joint")
    for eye in outputs["eyes"]:
        check("outputs.eyes", eye, bodies, "body")
    return out
