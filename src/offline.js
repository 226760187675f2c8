// The page with no network: a service worker that keeps the site's files.
// `cargo xtask offline` writes the first lines of the one that is served: VERSION, FILES and LATER, each
// file with the checksum that it must have. Where Trunk serves a page that is worked on there is none.
//
// A version is kept whole or not at all, and a page is served from one version as long as it is open:
//
//   first visit    page from the network        version A is put by
//   next visits    page from A, also offline    version B is put by when the site has it
//   all closed     B takes over, A is deleted
//
// Names without a hash (worker.js) are therefore no danger: each version has a store of its own.

// Other pages of this origin have stores too, so the name says whose it is.
const OURS = `kappascope ${self.registration.scope} `;
const STORE = OURS + VERSION;

// The page itself is asked for by its folder: some hosts redirect from the file's name, and a browser
// takes no redirected answer for a page.
const address = (file) => new URL(file === "index.html" ? "./" : file, self.registration.scope).href;

// `no-cache`: the browser's own cache may hold a file of the same name of an older version.
const fetched = async (file, integrity) => {
  const response = await fetch(address(file), { integrity, cache: "no-cache" });
  if (!response.ok) throw new Error(`${file}: ${response.status}`);
  return response;
};

const install = async () => {
  const store = await caches.open(STORE);
  const put = async ([file, integrity]) => store.put(address(file), await fetched(file, integrity));
  try {
    await Promise.all(Object.entries(FILES).map(put));
  } catch (error) {
    // Whole or not at all; the next visit tries again.
    await caches.delete(STORE);
    throw error;
  }
};

const forgetOthers = async () => {
  const names = await caches.keys();
  const others = names.filter((name) => name.startsWith(OURS) && name !== STORE);
  await Promise.all(others.map((name) => caches.delete(name)));
};

// The name of a file of the site that is asked for, if it is one.
const asked = ({ method, url }) => {
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || !(origin + pathname).startsWith(self.registration.scope)) return undefined;
  const file = (origin + pathname).slice(self.registration.scope.length) || "index.html";
  return file in FILES || file in LATER ? file : undefined;
};

const answer = async (request, file) => {
  // Without the store, which the browser may have deleted, the site is as if this worker were not there.
  if (!(await caches.has(STORE))) return fetch(request);
  const store = await caches.open(STORE);
  const kept = await store.match(address(file));
  if (kept) return kept;
  const response = await fetched(file, FILES[file] ?? LATER[file]);
  await store.put(address(file), response.clone());
  return response;
};

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
// What only the server knows, each time anew. With no network nothing is offered.
const FEED = new URL("feed.json", self.registration.scope).href;

self.addEventListener("fetch", (event) => {
  if (event.request.url === FEED) event.respondWith(fetch(event.request).catch(() => new Response("{}")));
  const file = asked(event.request);
  if (file !== undefined) event.respondWith(answer(event.request, file));
});
