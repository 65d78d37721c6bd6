'use strict';
// Puts the face on the page's stage. What cannot be drawn is said there; the controls stay.
const stage = (() => {
  const box = mien.canvas.parentElement;
  const word = mien.el('p', { className: 'stage-word', role: 'status' }, 'the face is being loaded');
  const help = mien.el('p', { className: 'stage-help' }, 'drag or arrows: turn · wheel or pinch: zoom · double click: back');
  box.append(word, help);
  let scene = null;
  try { scene = new FaceScene(mien.canvas); } catch (error) { word.textContent = error.message; }
  mien.canvas.setAttribute('role', 'img');
  mien.canvas.setAttribute('aria-label', 'The face in 3D. Arrow keys turn it, + and - zoom, Home brings it back.');

  mien.onBinary(async (data) => {
    if (!scene) return;
    try {
      if (!FaceBytes.isFrame(data)) await scene.load(data);
      else if (!scene.frame(data)) return;
      word.hidden = true;
    } catch (error) {
      word.hidden = false;
      word.textContent = error.message;
    }
  });

  /** A box that shows or hides the dots `name`; `shown` as the scene says at first. */
  const dots = (label, name) => {
    const row = mien.check(label, false, (on) => scene?.show(name, on));
    scene?.whenLoaded(() => { row.box.checked = scene.shows(name); });
    return row.row;
  };
  /** A box that lets the eye through the skin. */
  const clear = (label) => mien.check(label, false, (on) => scene?.fade(on ? 0.32 : 1)).row;
  return { dots, clear };
})();
