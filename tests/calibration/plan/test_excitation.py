"""The plan is safe: it grows, visits each actuator alone first, keeps limits and interlocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.calibration.plan.excitation import limited, make_plan, mixtures, with_tendon_excitation
from mien.calibration.plan.plan import KINDS, Plan
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, load_face


@pytest.fixture(params=["morpheus33", "hobby9"])
def face(request: pytest.FixtureRequest) -> FaceConfig:
    return load_face(request.param)


def kinds(plan: Plan, name: str) -> np.ndarray:
    return np.asarray(plan.kind == KINDS.index(name))


def test_every_pose_is_inside_limits_and_interlocks(face: FaceConfig) -> None:
    plan = make_plan(face, 700)
    assert (plan.goals >= face.limits[:, 0] - 1e-12).all()
    assert (plan.goals <= face.limits[:, 1] + 1e-12).all()
    for lock in face.interlocks:
        terms = np.array([lock.terms.get(n, 0.0) for n in face.names])
        assert (plan.goals @ terms <= lock.max + 1e-9).all()


def test_it_starts_at_neutral_and_grows(face: FaceConfig) -> None:
    plan = make_plan(face, 700)
    assert kinds(plan, "neutral")[0]
    assert not plan.goals[0].any()
    size = np.abs(plan.goals).max(1)
    single = np.flatnonzero(kinds(plan, "single"))
    largest = np.maximum.accumulate(size[single])
    rounds = np.flatnonzero(np.diff(largest) > 0.2)
    assert len(rounds) == 2  # 0.3 of the range for all, then 0.65, then all of it
    assert largest[0] <= 0.31
    combo = np.flatnonzero(kinds(plan, "combo"))
    assert single.max() < combo.min()
    early, late = combo[: len(combo) // 10], combo[-len(combo) // 3 :]
    assert size[early].mean() < 0.7 * size[late].mean()


def test_every_actuator_moves_alone_in_each_direction_it_has(face: FaceConfig) -> None:
    plan = make_plan(face, 700)
    alone = plan.goals[kinds(plan, "single")]
    assert ((alone != 0).sum(1) == 1).all()
    for i, a in enumerate(face.actuators.values()):
        if a.region != "neck":
            assert alone[:, i].max() == pytest.approx(face.limits[i, 1])
            assert alone[:, i].min() == pytest.approx(face.limits[i, 0])


def test_the_budget_is_kept_and_part_of_it_is_left_to_choose(face: FaceConfig) -> None:
    plan = make_plan(face, 700)
    assert 690 <= len(plan) + plan.active <= 700
    assert plan.active > 50
    assert kinds(plan, "held_out").sum() > 50


def test_chosen_poses_come_before_the_held_ones(face: FaceConfig) -> None:
    plan = make_plan(face, 700)
    more = plan.with_active(np.zeros((7, len(face.names))))
    assert len(more) == len(plan) + 7
    assert more.active == plan.active - 7
    active, held = np.flatnonzero(kinds(more, "active")), np.flatnonzero(kinds(more, "held_out"))
    assert active.max() < held.min()
    np.testing.assert_array_equal(more.goals[held], plan.goals[kinds(plan, "held_out")])


def test_the_same_seed_gives_the_same_plan(face: FaceConfig) -> None:
    np.testing.assert_array_equal(make_plan(face, 500).goals, make_plan(face, 500).goals)
    assert not np.array_equal(make_plan(face, 500).goals, make_plan(face, 500, seed=1).goals)


def test_a_plan_comes_back_from_disk_and_only_for_its_face(tmp_path: Path) -> None:
    mine, other = load_face("morpheus33"), load_face("hobby9")
    plan = make_plan(mine, 500)
    plan.save(tmp_path / "plan.npz")
    back = Plan.load(tmp_path / "plan.npz", mine)
    np.testing.assert_array_equal(back.goals, plan.goals)
    with pytest.raises(InputError, match=f"{mine.hash}.*{other.hash}"):
        Plan.load(tmp_path / "plan.npz", other)


def test_bad_plans_name_the_next_command(tmp_path: Path) -> None:
    face = load_face("hobby9")
    with pytest.raises(InputError, match="too few") as e:
        make_plan(face, 10)
    assert "--poses" in e.value.hint
    (tmp_path / "plan.npz").write_bytes(b"half a pl")
    with pytest.raises(InputError, match="cannot read") as e:
        Plan.load(tmp_path / "plan.npz", face)
    assert "mien calibrate plan" in e.value.hint


def test_too_few_minutes_are_named_with_what_is_needed(face: FaceConfig) -> None:
    for minutes in (0.5, float("nan")):
        with pytest.raises(InputError, match=rf"{minutes:g} minutes are too few .* at least") as e:
            make_plan(face, 400, minutes=minutes)
        enough = float(e.value.hint.split()[-1])
        assert 0.5 < enough < 5.0
        assert make_plan(face, 400, minutes=enough).minutes == enough


def test_a_plan_remembers_its_minutes(face: FaceConfig, tmp_path: Path) -> None:
    made = make_plan(face, 400, minutes=3.5)
    made.save(tmp_path / "plan.npz")
    assert Plan.load(tmp_path / "plan.npz", face).minutes == 3.5
    # Plans had no minutes once.
    with np.load(tmp_path / "plan.npz") as z:
        np.savez(tmp_path / "plan.npz", **{k: z[k] for k in z.files if k != "minutes"})
    assert Plan.load(tmp_path / "plan.npz", face).minutes == np.inf


def test_once_held_poses_were_asked_no_more_are_chosen(face: FaceConfig) -> None:
    plan = make_plan(face, 400)
    held = {int(i) for i in np.flatnonzero(plan.kind == KINDS.index("held_out"))}
    assert plan.needs_more_poses(set())
    assert not held & {*plan.remaining(set())}
    assert not plan.needs_more_poses(set(), short=True)
    assert held <= {*plan.remaining(set(), short=True)}
    some = {min(held)}  # time was short, and is not any more
    assert not plan.needs_more_poses(some)
    assert {*plan.remaining(some)} == {*range(len(plan))} - some


def test_mixtures_pull_every_tendon_to_and_fro() -> None:
    face = load_face("morpheus33")
    tendons = face.has_hysteresis
    pulls = with_tendon_excitation(face, np.zeros((2000, len(face.names))), seed=5)
    assert not pulls[:, ~tendons].any()
    u = pulls[:, tendons]
    assert u.var(0) == pytest.approx(0.15, abs=0.01)  # 1 / 12 for even pulls, 1 / 4 at most
    assert [np.corrcoef(v[1:], v[:-1])[0, 1] for v in u.T] == pytest.approx([-0.6] * 4, abs=0.05)
    assert np.abs(np.corrcoef(u.T) - np.eye(4)).max() < 0.08
    middle = (u[1:] > 0.4) & (u[1:] < 0.6)
    up = (np.diff(u, axis=0) > 0)[middle].mean()
    assert up == pytest.approx(0.5, abs=0.1)  # both sides, or their memory would not show


def test_only_what_is_learned_from_is_pulled() -> None:
    face = load_face("morpheus33")
    tendons = face.has_hysteresis
    plan = make_plan(face, 700)
    assert (plan.goals[kinds(plan, "combo")][:, tendons] > 0).all()
    held = plan.goals[kinds(plan, "held_out")]
    wanted = limited(face, mixtures(face, len(held), 7919))
    np.testing.assert_array_equal(held, wanted)


def test_a_twelfth_of_all_poses_is_of_the_tendons_alone() -> None:
    face = load_face("morpheus33")
    tendons = face.has_hysteresis
    for poses, count in ((700, 60), (1490, 119)):
        plan = make_plan(face, poses)
        alone = plan.goals[kinds(plan, "tendon")]
        assert len(alone) == count
        assert not alone[:, ~tendons].any()
        assert (alone[:, tendons] > 0).all()


def test_a_face_whose_skin_nothing_moves_is_refused_before_anything_moves() -> None:
    face = load_face("morpheus33")
    actuators = {
        name: a if a.region == "neck" else a.model_copy(update={"absent": True})
        for name, a in face.actuators.items()
    }
    with pytest.raises(InputError, match="neck"):
        make_plan(face.model_copy(update={"actuators": actuators}), 1490)
