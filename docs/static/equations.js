/* How equations are set: by the MathJax beside this file, in lines as long as the column of text. */

const PHONE = 600; // pixels: in narrower windows equations begin at the left, since room for the number is dear
const METRICS = 110; // MathJax measures the column in this state of an equation

window.MathJax = {
  ...window.MathJax, // which classes hold mathematics, from MyST
  loader: {
    load: ["core", "input/tex", "output/chtml", "a11y/assistive-mml"],
    paths: { fonts: "[mathjax]" },
  },
  output: {
    font: "mathjax-tex",
    scale: 0.9, // with letters as high as those of the text, equations look larger than it
    displayOverflow: "linebreak",
    linebreaks: { lineleading: 0.4 },
    displayAlign: window.innerWidth < PHONE ? "left" : "center",
  },
  startup: { pageReady: () => MathJax.startup.defaultPageReady().then(followTheColumn) },
};

/* Break the lines anew when the column's width has changed. Paper does not wait for it: book.css makes room there. */
function followTheColumn() {
  const column = document.querySelector("article");
  let width = column.clientWidth, waiting;
  new ResizeObserver(() => {
    if (column.clientWidth === width || matchMedia("print").matches) return;
    width = column.clientWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => MathJax.startup.document.rerenderPromise(METRICS), 200);
  }).observe(column);
}

const mathjax = document.createElement("script");
mathjax.src = new URL("mathjax/startup.js", document.currentScript.src);
document.head.append(mathjax);
