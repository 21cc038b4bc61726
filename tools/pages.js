/* What cannot be read on an open page, a sentence each. pages.py evaluates this; `phone`: some things may scroll. */
({ phone }) => {
  const SLACK = 2; // pixels that nobody misses
  const CODE = "pre", EQUATION = "mjx-container[display]";
  const PRINTED = ".output.stream, .output.text_plain, .highlight-text"; // text in columns
  const page = document.querySelector("article") ?? document.querySelector("main") ?? document.body;
  const complaints = new Map(); // element: the worst that is said of it, and by how many pixels

  const owner = (element) => element.closest(`${EQUATION}, ${CODE}, mjx-container, table, img`) ?? element;
  const mayScroll = (element) => phone && (!element.matches(`${EQUATION}, ${CODE}`) || element.closest(PRINTED));

  function complain(element, says, pixels = 1) {
    if (pixels > (complaints.get(element)?.pixels ?? 0)) complaints.set(element, { says, pixels });
  }

  /* The boxes around an element that hide, or let scroll, what is outside of them; the innermost first. */
  const frames = new Map([[document.documentElement, []]]);
  function framesOf(element) {
    if (!frames.has(element)) {
      const { overflowX, overflowY } = getComputedStyle(element), outer = framesOf(element.parentElement);
      const some = (overflowX !== "visible" || overflowY !== "visible") && element.clientWidth > 0;
      frames.set(element, some ? [{ element, overflowX, overflowY }, ...outer] : outer);
    }
    return frames.get(element);
  }

  /* Compare the box of something inside `element` with the frames around it, and with the page. */
  function look(box, element) {
    const whole = owner(element);
    let { left, right } = box;
    for (const { element: frame, overflowX, overflowY } of framesOf(element)) {
      const edge = frame.getBoundingClientRect(), start = edge.left + frame.clientLeft, end = start + frame.clientWidth;
      const scrolls = ["auto", "scroll"].includes(overflowX) && mayScroll(whole);
      if (left + frame.scrollLeft < start - SLACK) complain(whole, "is cut at the left", start - left);
      if (right > end + SLACK && !scrolls) complain(whole, "is cut at the right, or scrolls", right - end);
      [left, right] = [Math.max(left, start), Math.min(right, end)];
      const top = edge.top + frame.clientTop, beyond = Math.max(top - box.top, box.bottom - top - frame.clientHeight);
      if (["hidden", "clip"].includes(overflowY) && beyond > SLACK) complain(whole, "is cut above or below", beyond);
    }
    const width = document.documentElement.clientWidth;
    if (left < -SLACK) complain(whole, "begins left of the page", -left);
    if (right > width + SLACK) complain(whole, "is wider than the page", right - width);
  }

  const HIDDEN = "mjx-assistive-mml, .visually-hidden, .headerlink"; // there for other readers than eyes
  const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(HIDDEN);
  const texts = document.createTreeWalker(page, NodeFilter.SHOW_TEXT);
  for (const range = document.createRange(); texts.nextNode(); ) {
    const element = texts.currentNode.parentElement, text = texts.currentNode.textContent;
    if (element.closest("script, style") || !text.trim()) continue;
    const tex = text.match(/\\[a-zA-Z]{2,}|\\[()[\]]|\$[^$\s][^$]*\$/);
    if (tex && !element.closest("pre, code")) complain(owner(element), `shows TeX: ${tex[0].slice(0, 40)}`);
    if (!seen(element)) continue;
    for (const word of text.matchAll(/\S+/g)) {
      range.setStart(texts.currentNode, word.index); // word by word: spaces may hang over the edge, nobody misses them
      range.setEnd(texts.currentNode, word.index + word[0].length);
      const box = range.getBoundingClientRect();
      if (box.width > 0) look(box, element);
    }
  }
  for (const element of page.querySelectorAll("img, svg, video, canvas, iframe, table, mjx-c, mjx-line")) {
    const box = element.getBoundingClientRect();
    if (box.width > 0 && seen(element)) look(box, element.parentElement.closest("mjx-container") ?? element);
    if (element.matches("img") && element.naturalWidth === 0) complain(element, "is a broken image");
  }
  for (const equation of page.querySelectorAll(EQUATION)) {
    const number = equation.querySelector("mjx-labels mjx-mtd")?.getBoundingClientRect();
    for (const glyph of number ? equation.querySelectorAll("mjx-table mjx-c") : []) {
      const box = glyph.getBoundingClientRect();
      const over = Math.min(box.right, number.right) - Math.max(box.left, number.left);
      if (box.bottom > number.top && box.top < number.bottom && over > SLACK) complain(equation, "meets its number", over);
    }
    const error = equation.querySelector("mjx-merror, [data-mjx-error]");
    if (error) complain(equation, `is not understood: ${error.dataset.mjxError}`);
  }

  const kind = (element) =>
    element.matches(EQUATION) ? "equation" : element.matches("mjx-container") ? "formula" : element.localName;
  const name = (element) => (element.alt || element.getAttribute("src") || element.textContent).trim().replace(/\s+/g, " ");
  return [...complaints].map(([element, { says, pixels }]) => {
    const much = pixels > 1 ? ` by ${Math.round(pixels)} pixels` : "";
    return `${kind(element)} "${[...name(element)].slice(0, 60).join("")}" ${says}${much}`;
  });
};
