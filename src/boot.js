// Starts the page. A file of its own because the content security policy allows no inline script;
// the hashed names come from the preload links that Trunk writes into the head.
const link = (selector) => document.head.querySelector(selector).href;

try {
  const { default: start } = await import(link('link[rel="modulepreload"]'));
  await start({ module_or_path: link('link[rel="preload"][as="fetch"]') });
} catch (error) {
  const place = document.querySelector("#fatal");
  place.hidden = false;
  place.querySelector("span").textContent = String(error);
}
