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

// Long enough that the engine runs too, so that keeping the site's files delays nothing on the first visit.
const SETTLED_MS = 2000;

// Lets the site work with no network, where it was built for that and the browser lets it.
function keepForLater() {
  const script = document.head.querySelector('meta[name="service-worker"]')?.content;
  if (!script) return;
  setTimeout(() => {
    // Without a secure context there are none, and a person may forbid them: the page does without.
    navigator.serviceWorker?.register(script).catch(() => {});
  }, SETTLED_MS);
}

const missing = Object.keys(needed).filter((name) => !needed[name]);
if (missing.length > 0) {
  stop(`This one has no ${missing.join(" and no ")}.`);
} else {
  try {
    const { default: start } = await import(link('link[rel="modulepreload"]'));
    await start({ module_or_path: link('link[rel="preload"][as="fetch"]') });
    keepForLater();
  } catch (error) {
    stop(String(error));
  }
}
