// Runs before the first paint, so that the window never shows the wrong theme. A file, because the policy allows no inline script.
(function () {
  var looks = {};
  try { looks = JSON.parse(localStorage.getItem("looks") || "{}"); } catch (_) { looks = {}; }
  var root = document.documentElement;
  var dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = looks.theme && looks.theme !== "system" ? looks.theme : dark ? "dark" : "light";
  root.dataset.density = looks.density || "standard";
})();
