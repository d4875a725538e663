// What is cut off with an ellipsis says itself whole when it is pointed at. Screen readers read it whole anyway.

const CUT = "cut";

/** Watches for good; returns what ends it. */
export function tellWhole(): () => void {
  const tell = (event: Event) => {
    const one = event.target instanceof Element ? event.target.closest<HTMLElement>(".el") : null;
    if (!one || (one.title !== "" && one.dataset[CUT] === undefined)) return;
    if (one.scrollWidth > one.clientWidth + 1) {
      one.title = (one.textContent ?? "").trim();
      one.dataset[CUT] = "";
    } else if (one.dataset[CUT] !== undefined) {
      one.removeAttribute("title");
      delete one.dataset[CUT];
    }
  };
  document.addEventListener("pointerover", tell);
  return () => document.removeEventListener("pointerover", tell);
}
