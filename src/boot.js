// Starts the page. A file of its own because the content security policy allows no inline script;
// the hashed names come from the preload links that Trunk writes into the head.
const link = (selector) => document.head.querySelector(selector).href;

// A browser that knows modules in workers asks for a worker's type, and does so before it looks at the address,
// which is none: no worker starts.
function hasModuleWorkers() {
  let asked = false;
  try {
    new Worker("http://:", { get type() { asked = true; return "module"; } });
  } catch {
    // Because of the address, or because there are no workers.
  }
  return asked;
}

// What the page cannot do without.
const needed = { WebAssembly: typeof WebAssembly === "object", "modules in workers": hasModuleWorkers() };

function stop(why) {
  const place = document.querySelector("#fatal");
  place.hidden = false;
  place.querySelector("span").textContent = why;
}

// The worker that keeps the site's files, where the site was built with one. Without a secure context there are
// none, and a person may forbid them: the page does without.
const keeper = document.head.querySelector('meta[name="service-worker"]')?.content;
const keepers = keeper && navigator.serviceWorker;

// A page that was loaded past its keeper (by Shift and reload) may be newer than what is kept, and the page's own
// workers would still come from there: forgets it, so that all come from the network.
async function passKeeper() {
  if (!keepers || keepers.controller) return;
  const found = await keepers.getRegistration().catch(() => undefined);
  await found?.unregister();
}

// Long enough that the engine runs too, so that keeping the site's files delays nothing on the first visit.
const SETTLED_MS = 2000;

// Lets the site work with no network from the next visit on.
function keep() {
  if (keepers) setTimeout(() => keepers.register(keeper).catch(() => {}), SETTLED_MS);
}

// Whether the server has the results of a pipeline, and where. Any host can answer: the site has such a file that
// offers none.
const offered = fetch("feed.json").then((answer) => answer.json()).then(({ feed }) => feed).catch(() => undefined);

const missing = Object.keys(needed).filter((name) => !needed[name]);
if (missing.length > 0) {
  stop(`This one has no ${missing.join(" and no ")}.`);
} else {
  try {
    const [{ default: start }, feed] =
      await Promise.all([import(link('link[rel="modulepreload"]')), offered, passKeeper()]);
    if (feed) document.documentElement.dataset.feed = feed;
    await start({ module_or_path: link('link[rel="preload"][as="fetch"]') });
    keep();
  } catch (error) {
    stop(String(error));
  }
}
