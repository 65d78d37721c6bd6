"""What a mechanism is made of, as a YAML file says it: the schema, and nothing about physics.

Lengths in mm, angles in degrees, masses in g, torques in N m, forces in N, stiffnesses in N/m
(hinges: N m/rad). Vectors are in the head frame: +x the face's own left, +y up, +z forward.
An entry whose name holds ``*`` stands for two, ``_left`` and ``_right``; the right one gets the
mirrored vectors (not the hinge axes, whose sense is a convention) and the second landmark.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, ValidationError, model_validator

from mien.models.reading.bounded import FileError
from mien.models.reading.strict import Strict, fault_lines, listed
from mien.models.reading.yaml_file import read_yaml
from mien.robot.errors import ConfigError
from mien.robot.names import checked, printable
from mien.robot.sim.references import mirror_all, references
from mien.robot.sim.servo_kind import MANY, NotNegative, Number, Positive, Range, Vector
from mien.robot.sim.servo_kind import ServoKind as ServoKind

MECHANISMS = Path(__file__).parent / "mechanisms"


class Joint(Strict):
    """A hinge (degrees, N m/rad) or a slide (mm, N/m) of a body."""

    kind: Literal["hinge", "slide"]
    axis: Vector
    stiffness: NotNegative = 0.0
    damping: NotNegative = 0.0
    friction: NotNegative = 0.0
    range: Range | None = None


class Body(Strict):
    """A rigid part. ``at``: a point of the head (``eye_left``, ``jaw_pivot``, ``origin``)."""

    parent: str
    at: str = "origin"
    offset: Vector = (0.0, 0.0, 0.0)
    mass: Positive
    radius: Positive = 15.0  # of gyration, about its own centre of mass
    center: Vector = (0.0, 0.0, 0.0)  # of mass, from its origin
    joints: dict[str, Joint] = {}


class SkinNode(Strict):
    """A point of the skin that can slide over the skull, on springs to it.

    ``stiffness`` and ``limits`` are along (tangent to the side, tangent up, outward normal).
    """

    landmark: Annotated[int, Field(ge=0, lt=478)]
    parent: str = "skull"
    mass: Positive | None = None
    damping: Positive | None = None
    stiffness: Vector | None = None
    limits: tuple[Range, Range, Range] | None = None


class Skin(Strict):
    """The silicone: what every node is made of unless it says otherwise.

    ``facing`` is the skin around a node whose mean normal is the node's "out". The lining of the
    mouth faces the other way, and how much of it is near a lip differs by identity; ``outside``
    leaves it out.
    """

    mass: Positive
    stiffness: Vector
    damping: Positive  # N s/m per node and axis
    hardening: Positive  # mm of displacement at which the ground spring is twice as stiff
    limits: tuple[Range, Range, Range]
    neighbours: Annotated[int, Field(ge=1, le=12)] = 5
    reach: Positive = 60.0  # mm along the surface; no edge is longer
    edge_stiffness: Positive  # N/m of an edge 20 mm long; shorter ones are stiffer
    facing: Literal["all", "outside"] = "all"


class Bulge(Strict):
    """A spring on a sum of node displacements: what goes in at one place comes out at another.

    ``terms`` maps ``node.axis`` (axis x, y or z: side, up, out) to its factor; at ``rest`` (mm) the
    spring has no force.
    """

    terms: Annotated[dict[str, Number], Field(min_length=2)]
    stiffness: Positive
    rest: Number = 0.0


class Cord(Strict):
    """A muscle-like strip along ``nodes``: springs between neighbours, besides the skin's own."""

    nodes: Annotated[list[str], Field(min_length=2)]
    stiffness: Positive  # N/m between neighbours, along each axis


class Rocker(Strict):
    """A two-armed lever between two rods, turning about an axis square to both.

    ``rod`` joins the tip of its output arm to the next part towards the face: positive when
    the rod pushes that part, negative when it pulls.
    """

    rod: Number
    arm: Positive  # output side
    lever: Positive  # input side
    bend: Number = 90.0  # degrees from output arm to input lever
    skew: Number = 0.0  # degrees that the output arm is off square at neutral
    toward: Vector | None = None  # where the output arm points; default: out of the skin


class Horn(Strict):
    """The arm on the servo's shaft, and the rod from its tip."""

    rod: Number
    radius: Positive
    skew: Number = 0.0
    toward: Vector | None = None


class Linkage(Strict):
    """Horn, rods and rockers from one servo to one point of a part; every loop is closed.

    Exactly one of ``node`` (with ``pull``, its direction for command +1) and ``joint`` (with
    ``lever``, the point of the joint's body where the rod ends, from the joint's centre).
    No rocker is a four-bar with a hinge as output; one a four-bar into a rod; two a six-bar.
    """

    actuator: str
    mount: str = "skull"
    node: str | None = None
    pull: Vector | None = None
    joint: str | None = None
    lever: Vector | None = None
    sense: Literal[1, -1] = 1
    anchor_stiffness: NotNegative = 0.0  # N/m of the rod's seat in the silicone; 0 is rigid
    preload: Number = 0.0  # mm by which the rod at the skin is made to push further along ``pull``
    rockers: Annotated[list[Rocker], Field(max_length=2)] = []
    horn: Horn | None = None  # none: another linkage of the same actuator has it

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.node is None) == (self.joint is None):
            raise ValueError("give exactly one of node (with pull) and joint (with lever)")
        if (self.node is None) != (self.pull is None):
            raise ValueError("pull belongs to node, and node needs it")
        if (self.joint is None) != (self.lever is None):
            raise ValueError("lever belongs to joint, and joint needs it")
        return self


class Tendon(Strict):
    """A tendon: horn -> runner in a sheath -> guide -> skin node. It can only pull.

    The runner is where the tendon rubs. ``friction`` is the share of the tension that is lost there
    (the capstan's friction coefficient times the angle of wrap). ``slack`` is the length in mm that
    is paid out beyond just taut at neutral.
    """

    actuator: str
    mount: str = "skull"
    node: str
    pull: Vector  # from the node to the guide
    span: Positive  # mm from node to guide
    sheath: Vector  # from the guide to the horn's tip
    runner: Positive = 15.0  # g
    stiffness: Positive  # N/m of either half
    friction: Annotated[float, Field(ge=0.0, lt=1.0)]
    rub: NotNegative = 0.02  # N, with no tension at all
    slack: NotNegative
    horn: Positive  # radius


class Contact(Strict):
    """Two nodes that press but do not pass: a wide flat pad above, a round one below.

    The pad reaches further than the nodes can go, so that none slips round its edge.
    """

    upper: str
    lower: str
    gap: NotNegative = 0.0  # mm between the two at neutral


class Stop(Strict):
    """Parts that meet: the sum of ``terms[joint] * position`` stays at or below ``max``.

    Positions in degrees (hinges) and mm (slides).
    """

    terms: Annotated[dict[str, Number], Field(min_length=1)]
    max: Number


class SkinOutputs(Strict):
    """Which joints and bodies the skin follows.

    ``tongue_guide`` is the path of the tongue's tip along its guide: points (mm forward, mm up),
    forward ones later; straight between them. The guide carries the tip, which weighs next to
    nothing.
    """

    head: str = "skull"
    jaw: str = "jaw"
    tongue: str | None = None
    tongue_guide: Annotated[list[tuple[float, float]], Field(max_length=16)] = []
    lids: tuple[str, str, str, str]  # joints: upper left, upper right, lower left, lower right
    eyes: tuple[str, str]  # bodies: left, right


class Mechanism(Strict):
    """A whole face's mechanism."""

    name: str
    servos: Annotated[dict[str, ServoKind], Field(min_length=1)]
    skin: Skin
    bodies: Annotated[dict[str, Body], MANY]
    nodes: Annotated[dict[str, SkinNode], Field(min_length=4, max_length=400)]
    bulges: Annotated[dict[str, Bulge], MANY] = {}
    cords: Annotated[dict[str, Cord], MANY] = {}
    linkages: Annotated[dict[str, Linkage], MANY]
    tendons: Annotated[
        dict[str, Tendon], MANY, Field(validation_alias=AliasChoices("tendons", "strings"))
    ] = {}
    contacts: Annotated[dict[str, Contact], MANY] = {}
    stops: Annotated[dict[str, Stop], MANY] = {}
    outputs: SkinOutputs

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if problems := references(self.model_dump()):
            raise ValueError("\n".join(problems))
        return self


def load_mechanism(name_or_path: str | Path) -> Mechanism:
    """Read a mechanism: a name of ``robot/sim/mechanisms`` or a path.

    Raises:
        ConfigError: no such file, not YAML, or faults in it; all of them are listed.
        InputError: no name.
    """
    path = mechanism_path(name_or_path)
    plan, faults = read_mechanism(path)
    if plan is None:
        raise ConfigError(f"mechanism {path} has faults:\n{listed(faults)}")
    return plan


def mechanism_path(name_or_path: str | Path) -> Path:
    """Path of the file of a mechanism, which may not exist.

    Raises:
        InputError: no name.
    """
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"}:
        return path
    return MECHANISMS / f"{checked(str(name_or_path), 'mechanism')}.yaml"


def read_mechanism(path: Path) -> tuple[Mechanism | None, list[str]]:
    """A mechanism, and its faults: one line each, beginning with its key.

    Raises:
        ConfigError: no such file, or not YAML.
    """
    try:
        tree: Any = mirror_all(read_yaml(path))
    except OSError as e:
        names = ", ".join(sorted(p.stem for p in MECHANISMS.glob("*.yaml")))
        if path.parent == MECHANISMS:
            raise ConfigError(
                f"no mechanism {path.stem}: {e.strerror}; there are {names}", "mien face new --help"
            ) from e
        raise ConfigError(
            f"no mechanism {path}: {e.strerror}; it lies beside the YAML file of its face, and for "
            f"a recording in the present folder; the names of those that ship are {names}",
            f"go to the folder that holds {path.name}, and run the command again",
        ) from e
    except FileError as e:
        raise ConfigError(e.message) from e
    try:
        return Mechanism.model_validate(tree), []
    except ValidationError as e:
        return None, [printable(line) for line in fault_lines(e)]
