// Prints how many frames a second the drawing of memory's graph makes: `node tests/frames.js [NODES] [LINKS]`. Headless Chromium draws
// without a graphics card, so a real screen is faster. Not a test: no test measures time.
import { largeGraph } from './support/memory.js';
import { quit, withPage } from './support/browser.js';
import { ScriptedServer } from './support/server.js';

const [nodes, links] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 20_000)];
const MEASURED_MS = 5_000;

const server = await ScriptedServer.start();
server.memory.graph = largeGraph(nodes, links);
await withPage(server.url, { hash: '#/memory/graph', reducedMotion: 'no-preference', expectErrors: true }, async (page) => {
  page.setDefaultTimeout(120_000);
  await page.getByRole('contentinfo').getByText('ready').waitFor();
  const began = Date.now();
  await page.getByLabel('Show at most').selectOption('10000');
  await page.getByText(`${links.toLocaleString('en')} facts between`).waitFor();
  await page.locator('[data-arranging="true"]').waitFor();
  console.log(`${nodes} nodes, ${links} facts: on the screen after ${Date.now() - began} ms`);
  console.log(`while it is arranged: ${await frames(page, () => page.waitForTimeout(MEASURED_MS))}`);
  await page.locator('[data-arranging="false"]').waitFor();
  console.log(`arranged after ${Date.now() - began} ms`);
  console.log(`at rest: ${await frames(page, () => page.waitForTimeout(MEASURED_MS))}`);
  console.log(`dragged: ${await frames(page, () => drag(page))}`);
  console.log(`zoomed: ${await frames(page, () => zoom(page))}`);
  console.log(`the day moved: ${await frames(page, () => travel(page))}`);
});
await quit();
await server.stop();

// Frames that were made while `work` went on, and the longest wait for one.
async function frames(page, work) {
  await page.evaluate(() => {
    const seen = (window.seen = { times: [], on: true });
    const note = (time) => {
      seen.times.push(time);
      if (seen.on) requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
  await work();
  const times = await page.evaluate(() => ((window.seen.on = false), window.seen.times));
  const gaps = times.slice(1).map((time, at) => time - times[at]).sort((a, b) => a - b);
  const rate = (1000 * gaps.length) / (times.at(-1) - times[0]);
  return `${rate.toFixed(1)} frames a second, half of them within ${gaps[Math.floor(gaps.length / 2)].toFixed(0)} ms, the longest wait ${gaps.at(-1).toFixed(0)} ms`;
}

async function drag(page) {
  const box = await page.locator('[data-arranging]').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  const until = Date.now() + MEASURED_MS;
  for (let at = 0; Date.now() < until; at += 1) await page.mouse.move(x + 150 * Math.sin(at / 10), y + 100 * Math.cos(at / 10));
  await page.mouse.up();
}

async function zoom(page) {
  const until = Date.now() + MEASURED_MS;
  for (let at = 0; Date.now() < until; at += 1) {
    await page.mouse.wheel(0, at % 20 < 10 ? -120 : 120);
    await page.waitForTimeout(30);
  }
}

async function travel(page) {
  const slider = page.getByLabel('In the world on');
  await slider.focus();
  const until = Date.now() + MEASURED_MS;
  while (Date.now() < until) await page.keyboard.press('ArrowLeft');
}
