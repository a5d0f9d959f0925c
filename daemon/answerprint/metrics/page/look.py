"""CSS and JavaScript of the page, without external resources."""

__all__ = ["SCRIPT", "STYLE"]

STYLE = """
:root { color-scheme: light dark; --back: #fbfbfa; --ink: #1c1c1c; --soft: #666; --line: #d8d8d4; --mark: #0b62c4; }
@media (prefers-color-scheme: dark) {
  :root { --back: #161616; --ink: #ececec; --soft: #a5a5a5; --line: #3a3a3a; --mark: #7db4ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1200px; padding: 1.5rem; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.25rem; margin-top: 3rem; border-top: 1px solid var(--line);
  padding-top: 1rem; } h3 { font-size: 1rem; margin: 2rem 0 .5rem; }
p, li, figcaption { color: var(--soft); } figcaption, .notes { font-size: .875rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--back); }
td.best { font-weight: 700; color: var(--mark); }
.stills { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 1rem; }
figure { margin: 0; } figure img { display: block; width: 100%; height: auto; }
.pixels img { image-rendering: pixelated; }
.wipe { position: relative; overflow: hidden; background: #000; line-height: 0; --at: 50%; }
.wipe img { width: 100%; height: auto; image-rendering: pixelated; user-select: none; }
.wipe .after { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--at)); }
.wipe::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px; margin-left: -1px;
  background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }
.controls { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; margin-bottom: .5rem; }
.controls input { width: 100%; accent-color: var(--mark); }
select { font: inherit; max-width: 20rem; }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
.profile { display: grid; grid-template-columns: minmax(8rem, 14rem) 1fr; gap: .25rem 1rem; align-items: center;
  margin-bottom: .25rem; } .profile img { width: 100%; image-rendering: pixelated; display: block; }
svg { max-width: 720px; width: 100%; } svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .grid, svg .lead { stroke: var(--line); fill: none; } svg circle { fill: var(--mark); }
nav a { margin-right: 1rem; } a { color: var(--mark); }
"""

SCRIPT = """
for (const area of document.querySelectorAll('[data-wipe]')) {
  const stage = area.querySelector('.wipe');
  const [before, after] = stage.querySelectorAll('img');
  const [left, right] = area.querySelectorAll('select');
  const slider = area.querySelector('input');
  const show = () => {
    for (const [image, choice] of [[before, left], [after, right]]) {
      const still = document.getElementById(choice.value);
      image.src = still.src;
      image.alt = still.alt;
    }
    stage.style.setProperty('--at', slider.value + '%');
    slider.setAttribute('aria-valuetext', slider.value + ' % ' + left.selectedOptions[0].text);
  };
  const drag = (event) => {
    const box = stage.getBoundingClientRect();
    slider.value = Math.round(100 * (event.clientX - box.left) / box.width);
    show();
  };
  for (const control of [left, right, slider]) control.addEventListener('input', show);
  stage.addEventListener('pointerdown', (event) => { stage.setPointerCapture(event.pointerId); drag(event); });
  stage.addEventListener('pointermove', (event) => { if (event.buttons) drag(event); });
  stage.addEventListener('dragstart', (event) => event.preventDefault());
  show();
}
"""
