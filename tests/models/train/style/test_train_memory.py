"""Two voices that differ in sound and in amplitude: the memory finds which one opens further."""

from dataclasses import replace

import numpy as np

from mien.models.data.planted_styles import PLANTED
from mien.models.data.style_voices import Voices
from mien.models.speech.phones import NUMBER, PHONES
from mien.models.style.channels import CHANNELS
from mien.models.style.memory import address, code, layout, slots
from mien.models.style.sound_style import OF_PRINT, OF_STYLE, SOUND
from mien.models.style.visemes import VISEMES
from mien.models.train.style.lesson import discriminant, lesson, taught
from mien.models.train.style.memory import Network, applied, fit

FRAMES, EACH = 80, 6


def voices() -> tuple[Voices, np.ndarray]:
    """Sentences of AA, S and silence; the second voice opens the AA further and sounds bright."""
    rng = np.random.default_rng(0)
    names = np.array(["AA", "S", "sil"])[rng.integers(3, size=2 * EACH * FRAMES)]
    labels = np.array([NUMBER[n] for n in names])
    phones = np.eye(len(PHONES))[labels]
    channels = np.zeros((len(labels), len(CHANNELS)))
    channels[:, 0] = 0.3 * (names == "AA") + 0.15 * (names == "S")
    shares = np.stack([names == "AA", *[np.zeros(len(names))] * 2, names == "S"], 1)
    voice = np.repeat([0, 1], EACH)
    sound = rng.normal(0, 0.1, (2 * EACH, SOUND))
    sound[:, 3] += voice
    made = Voices(
        channels.astype(np.float16), phones.astype(np.float16), channels.astype(np.float16),
        shares.astype(np.float16), labels.astype(np.int8),
        np.arange(1, 2 * EACH + 1) * FRAMES, voice, np.zeros(2 * EACH, np.bool_),
        np.zeros(2 * EACH, np.bool_), sound,
        np.array(["a", "b"]), np.array(["a-0", "b-0"]), np.array(["neutral"] * 2),
    )  # fmt: skip
    styles = np.zeros((2, len(PLANTED)))
    styles[:, VISEMES.index("open")] = -0.3, 0.4
    return made, styles


def test_what_was_planted_is_found_in_the_sound() -> None:
    made, styles = voices()
    one, two = fit(lesson(made, styles, ~made.test), 0, (150, 250))
    assert {n: getattr(two, n).shape for n in layout()} == layout()
    shares = address(two, np.eye(len(PHONES))[[NUMBER["AA"], NUMBER["S"]]])
    low, high = ((shares @ slots(two, code(two, made.sound[k])))[:, 0] for k in (0, -1))
    assert high[0] - low[0] > 0.4
    assert abs(high[1] - low[1]) < 0.6 * (high[0] - low[0])
    assert not one.emphasis.any()


def test_the_teacher_speaks_every_sentence_in_the_style_of_its_voice() -> None:
    made, styles = voices()
    wanted = taught(made, styles)
    vowels = made.labels == NUMBER["AA"]
    ratio = wanted[vowels, 0] / made.channels[vowels, 0].astype(np.float64)
    half = len(ratio) // 2
    np.testing.assert_allclose(ratio[: half - 40], np.exp(-0.3), rtol=0.01)
    np.testing.assert_allclose(ratio[half + 40 :], np.exp(0.4), rtol=0.01)


def test_training_and_running_apply_a_change_alike() -> None:
    import torch

    from mien.models.style import channels

    x, g = torch.rand(5, len(CHANNELS)) * 0.4, torch.randn(5, 13)
    run = channels.applied(x.double().numpy(), g.double().numpy())
    np.testing.assert_allclose(applied(x, g).clamp_min(0.0).numpy(), run, atol=1e-6)
    assert Network().changes(torch.zeros(1, 2, 12), None).abs().max() == 0.0


def test_more_sentences_train_the_print_and_leave_the_memory_alone() -> None:
    made, styles = voices()
    few = lesson(made, styles, np.arange(2 * EACH) % EACH < 4)
    every = replace(made, more=np.arange(2 * EACH) % EACH >= 4)
    both = lesson(every, styles, ~made.test)
    for name in ("sentences", "sound", "mean", "scale", "planted"):
        np.testing.assert_array_equal(getattr(both, name), getattr(few, name))
    np.testing.assert_allclose(
        both.mean, made.sound[few.sentences[:, 0] // FRAMES][:, OF_STYLE].mean(axis=0)
    )
    np.testing.assert_allclose(both.print_mean, made.sound[:, OF_PRINT].mean(axis=0))
    assert np.abs(both.print_mean - few.print_mean).max() > 1e-3
    columns = (0, 3)
    np.testing.assert_allclose(
        every.means(columns)[1], made.sound[EACH : EACH + 4][:, columns].mean(axis=0)
    )


def test_a_person_with_many_sentences_weighs_more_in_what_tells_people_apart() -> None:
    rng = np.random.default_rng(0)
    people = np.array([f"{k}" for k in range(40) for _ in range(2)] + ["a", "b"] * 200)
    sound = rng.normal(0, 0.1, (len(people), 30))
    sound[:80, 0] += np.repeat(rng.normal(0, 1, 40), 2)
    sound[80:, 1] += np.tile([-1.0, 1.0], 200)
    first = discriminant(sound, people)[0]
    assert abs(first[1]) > 3.0 * abs(first[0])
