import numpy as np
import pytest

from mien.robot.live.face_search import TILES, FaceSearch, middle

SIZE = (480, 640)


def short_sighted(image: np.ndarray) -> list[np.ndarray]:
    """Landmarks of every bright square that is at least a ninth of the picture wide."""
    out = []
    for value in np.unique(image[image > 100]):
        rows, columns = np.nonzero(image[..., 0] == value)
        whole = len(rows) == int(value) ** 2 // 4  # a face that is cut is not found
        if whole and np.ptp(columns) + 1 >= image.shape[1] / 9:
            at = np.linspace(0, 1, 478)[:, None]
            low, high = (columns.min(), rows.min(), 0.0), (columns.max(), rows.max(), 0.0)
            out.append(np.array(low) * (1 - at) + np.array(high) * at)
    return out


def scene(*squares: tuple[int, int, int]) -> np.ndarray:
    """Squares of an even width (> 50) at x, y; the brightness tells the width."""
    image = np.zeros((*SIZE, 3), np.uint8)
    for width, x, y in squares:
        image[y : y + width, x : x + width] = 2 * width
    return image


def found(search: FaceSearch, image: np.ndarray, pictures: int) -> list[list[np.ndarray]]:
    return [[middle(face) for face in search(image)] for _ in range(pictures)]


def test_a_near_face_is_found_at_once_and_only_once() -> None:
    for faces in found(FaceSearch(short_sighted), scene((100, 250, 150)), len(TILES)):
        np.testing.assert_allclose(faces, [(299.5, 199.5)])


@pytest.mark.parametrize("at", [(30, 60), (290, 130), (540, 200), (560, 60)])
def test_a_far_face_is_found_within_a_round_and_then_kept(at: tuple[int, int]) -> None:
    search = FaceSearch(short_sighted)
    seen = found(search, scene((52, *at)), len(TILES))
    assert seen[-1]
    first = next(k for k, faces in enumerate(seen) if faces)
    assert all(len(faces) == 1 for faces in seen[first:])
    np.testing.assert_allclose(seen[-1][0], np.array(at) + 25.5)


def test_a_far_face_is_followed_while_it_moves() -> None:
    search = FaceSearch(short_sighted)
    found(search, scene((52, 200, 130)), len(TILES))
    for x in range(200, 400, 10):
        (face,) = search(scene((52, x, 130)))
        np.testing.assert_allclose(middle(face), (x + 25.5, 155.5))


def test_near_and_far_faces_are_found_together() -> None:
    seen = found(FaceSearch(short_sighted), scene((110, 60, 200), (60, 480, 90)), len(TILES))
    assert len(seen[-1]) == 2
