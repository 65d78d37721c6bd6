'use strict';
// What every page of the panel's server has: its two connections, the stop, the curtain, and the
// controls that views are built from. Text from outside is only ever written as text.
const mien = (() => {
  const KEY = document.querySelector('meta[name="mien-key"]').content;
  const SILENT_MS = 3000, RETRY_MS = [300, 600, 1200, 2500], EVERY_MS = 33, CONFIRM_MS = 1500;
  const TITLE = document.title;
  const byId = (id) => document.getElementById(id);
  const heard = new Map();       // kind -> functions
  const binary = [];
  let view = null, stops = null, tries = 0, last = -Infinity, over = false;
  let requestedAt = 0, phase = '', said = '', ended = '', board = { state: '', stopped: false, warning: false, heard: false }, beat = null;

  function on(kind, hear) { heard.set(kind, [...(heard.get(kind) ?? []), hear]); }
  function onBinary(hear) { binary.push(hear); }
  const open = (line) => line !== null && line.readyState === WebSocket.OPEN;
  const fresh = () => open(view) && performance.now() - last < SILENT_MS;

  // Connections. The stop has one of its own, so that it never waits behind a slider.
  function join(role, opened, message) {
    const line = new WebSocket(`ws://${location.host}/ws`, [`mien.${role}`, `key.${KEY}`]);
    line.binaryType = 'arraybuffer';
    line.onopen = opened;
    line.onmessage = message;
    line.onclose = () => {
      draw();
      if (over) return;
      const wait = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
      tries += role === 'view';
      setTimeout(role === 'view' ? joinView : joinStop, wait);
    };
    return line;
  }
  function joinView() {
    view = join('view', () => { tries = 0; last = performance.now(); draw(); }, ({ data }) => {
      last = performance.now();
      if (typeof data !== 'string') { for (const hear of binary) hear(data); return; }
      const message = JSON.parse(data);
      for (const hear of heard.get(message.kind) ?? []) hear(message);
    });
  }
  function joinStop() { stops = join('stop', () => {}, () => {}); }

  function ask(intent) {
    if (!open(view)) return false;
    view.send(JSON.stringify(intent));
    return true;
  }
  // Of one kind at most 30 a second; the newest is never left out.
  const late = new Map();
  function askSoon(intent) {
    const kind = intent.intent, waiting = late.get(kind);
    if (waiting) { waiting.intent = intent; return; }
    ask(intent);
    const entry = { intent: null };
    late.set(kind, entry);
    setTimeout(() => { late.delete(kind); if (entry.intent) askSoon(entry.intent); }, EVERY_MS);
  }

  // The stop.
  function stop() {
    if (over || phase === 'done') return;
    let sent = false;
    for (const line of [stops, view]) if (open(line)) { line.send('estop'); sent = true; }
    requestedAt = performance.now();
    phase = sent ? 'requested' : 'unconfirmed';
    said = sent ? '' : 'There is no connection: the stop was not sent.';
    draw();
    setTimeout(draw, CONFIRM_MS + 20);
  }
  byId('estop').addEventListener('click', stop);
  window.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.repeat) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    stop();
  }, true);
  on('stop', (m) => {
    if (phase === 'done') return;
    if (m.phase === 'requested' && phase !== 'requested') requestedAt = performance.now();
    phase = m.phase;
    said = m.message;
    draw();
    setTimeout(draw, CONFIRM_MS + 20);
  });
  on('over', (m) => {
    over = true;
    ended = m.message;
    if (m.stop) [phase, said] = [m.stop, m.message];
    draw();
  });
  on('board', (m) => { board = { ...m, heard: true }; draw(); });
  on('beat', (m) => { beat = m; draw(); });
  on('error', (m) => toast(m.text));

  // The curtain: what is shown instead of the page while the page would look more alive than it is.
  const LOOK = ['Look at the face: is anybody caught, is anything hot, torn or loose?'];
  const AGAIN = ['Start again, such as with ', `\`${document.body.dataset.again}\``, ', and open the address that it prints.'];
  const SIMULATED = document.body.dataset.simulated === 'yes';
  const NO_BOARD = 'This robot is simulated. Its board has ended with the run, and nothing has to be cleared.';
  const CLEAR = SIMULATED ? [NO_BOARD, AGAIN] : [...LOOK, ['When it is safe, run ', '`mien clear`'], AGAIN];
  const ENDED = SIMULATED ? [NO_BOARD, AGAIN] : [...LOOK, ['After an E-STOP, when it is safe: ', '`mien clear`'], AGAIN];
  const CUT = ['Switch off the supply of the servos now.', ['If you have a terminal: ', '`mien estop`'], 'Press E-STOP here again.'];
  const SCENES = {
    stopped: ['STOPPED', 'The outputs are off and stay off.', CLEAR],
    requested: ['STOPPING', 'Waiting for the board to confirm.', []],
    unconfirmed: ['CUT THE POWER', 'The board has not confirmed the stop.', CUT],
    over: ['STOPPED', 'The run has ended. This page shows nothing live any more.', ENDED],
    failed: ['RUN FAILED', 'The run has ended early. The board brings the face to rest by itself if it still can.', [...LOOK, ['If it still moves, switch off the supply of the servos, or ', '`mien estop`'], AGAIN]],
    lost: ['NO CONNECTION', 'This page hears nothing from the run. The face may still be moving.', [['To stop it, use the switch of the supply, or in a terminal ', '`mien estop`'], 'This page tries to connect again. If the run was started anew, open its new address.']],
  };
  function state() {
    if (phase === 'done' || board.stopped) return 'stopped';
    if (phase === 'unconfirmed') return 'unconfirmed';
    if (phase === 'requested') return over || performance.now() - requestedAt > CONFIRM_MS ? 'unconfirmed' : 'requested';
    if (over) return ended ? 'failed' : 'over';
    return fresh() ? 'live' : 'lost';
  }
  let drawn = '';
  function draw() {
    const now = state(), silent = now === 'live' && beat && beat.silent_s > SILENT_MS / 1000;
    const name = board.state || (board.heard ? 'board LOST' : 'waiting for the run');
    const words = silent ? `no news for ${Math.round(beat.silent_s)} s` : now === 'live' ? `live, ${name}` : now;
    if (byId('line').textContent !== words) byId('line').textContent = words;
    byId('stage').classList.toggle('old', Boolean(silent));
    byId('line').classList.toggle('warn', now !== 'live' || Boolean(silent) || board.warning);
    const why = now === 'failed' ? ended : now === 'unconfirmed' ? said || ended : '';
    if (drawn === now + why) return;
    drawn = now + why;
    document.body.dataset.state = now;
    for (const part of ['stage', 'desk']) byId(part).inert = now !== 'live';
    document.title = now === 'live' ? TITLE : `${SCENES[now][0]} · ${TITLE}`;
    if (now === 'live') return;
    const [word, text, next] = SCENES[now];
    byId('curtain-word').textContent = word;
    byId('curtain-said').textContent = why ? `${text} (${why})` : text;
    byId('curtain-next').replaceChildren(...next.map((step) => el('li', {}, ...[step].flat().map(
      (piece) => (piece.startsWith('`') ? el('code', {}, piece.slice(1, -1)) : piece)))));
    byId('curtain').focus();
  }

  let quiet = 0;
  function toast(words) {
    byId('toast').textContent = words;
    byId('toast').classList.add('on');
    clearTimeout(quiet);
    quiet = setTimeout(() => byId('toast').classList.remove('on'), 6000);
  }

  // Controls.
  function el(tag, props = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
      else if (name in made && !name.startsWith('aria')) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }
  function button(label, press, className = 'button') {
    return el('button', { type: 'button', className, onclick: press }, label);
  }
  /** A labelled range: {row, get(), set(value)}. `input(value)` hears a hand, never `set`. */
  function slider({ label, low, high, step = 0.01, value = 0, input = () => {} }) {
    const out = el('output'), range = el('input', { type: 'range', min: low, max: high, step });
    const set = (to) => { range.value = to; out.textContent = Number(range.value).toFixed(2); };
    range.addEventListener('input', () => { set(range.value); input(Number(range.value)); });
    set(value);
    return { row: el('label', { className: 'slider' }, el('span', {}, label), range, out), set, get: () => Number(range.value), range };
  }
  /** One of several: {row, get(), set(value), offer(options)}. No menu opens, so Esc stays the stop. */
  function chips({ label, options, value = options[0], pick = () => {} }) {
    const group = `chips-${chips.count = (chips.count ?? 0) + 1}`, box = el('div', { className: 'chips' });
    let current = value;
    function offer(names) {
      box.replaceChildren(...names.map((name) => el('label', {},
        el('input', { type: 'radio', name: group, value: name, checked: name === current, onchange: () => { current = name; pick(name); } }),
        el('span', {}, name))));
    }
    offer(options);
    const set = (name) => { current = name; for (const one of box.querySelectorAll('input')) one.checked = one.value === name; };
    return { row: el('fieldset', {}, el('legend', {}, label), box), get: () => current, set, offer };
  }
  function check(label, value, change) {
    const box = el('input', { type: 'checkbox', checked: value, onchange: () => change(box.checked) });
    return { row: el('label', { className: 'check' }, box, el('span', {}, label)), box };
  }
  /** Rows of (label, value, warning) into a table's body. */
  function rows(body, lines) {
    body.replaceChildren(...lines.map(([label, value, warning]) => el('tr', {},
      el('th', { scope: 'row' }, label), el('td', { className: warning ? 'warn' : '' }, value))));
  }
  /** Tabs by name; arrow keys go from one to the next. Returns nothing: they are put on the desk. */
  function tabs(sheets) {
    const names = Object.keys(sheets), list = el('div', { role: 'tablist', 'aria-label': 'Controls' });
    const heads = names.map((name, k) => el('button', {
      type: 'button', role: 'tab', id: `tab-${k}`, 'aria-controls': `sheet-${k}`,
      onclick: () => show(k),
      onkeydown: (event) => {
        const to = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: names.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        show((to + names.length) % names.length);
        heads[(to + names.length) % names.length].focus();
      },
    }, name));
    const bodies = names.map((name, k) => el('div', { role: 'tabpanel', id: `sheet-${k}`, 'aria-labelledby': `tab-${k}` }, ...[sheets[name]].flat()));
    function show(at) {
      heads.forEach((head, k) => { head.setAttribute('aria-selected', String(k === at)); head.tabIndex = k === at ? 0 : -1; });
      bodies.forEach((body, k) => { body.hidden = k !== at; });
    }
    list.append(...heads);
    byId('desk').replaceChildren(list, ...bodies);
    show(0);
  }
  /** A slider per actuator, folded by region. `moved(values)` hears all of them after a hand. */
  function bank(actuators, moved) {
    const all = actuators.map((a) => slider({ label: a.name, low: a.low, high: a.high, input: () => moved(get()) }));
    const get = () => all.map((one) => one.get());
    const regions = [...new Set(actuators.map((a) => a.region))];
    const rows = regions.map((region) => el('details', { open: region === 'mouth' || region === 'jaw' },
      el('summary', {}, region), ...all.filter((_, k) => actuators[k].region === region).map((one) => one.row)));
    return { rows, get, set: (values) => all.forEach((one, k) => one.set(values[k])) };
  }

  setInterval(draw, 500);
  joinView();
  joinStop();
  return { on, onBinary, ask, askSoon, stop, over: () => over, toast, el, button, slider, chips, check, rows, tabs, bank, canvas: byId('scene') };
})();
