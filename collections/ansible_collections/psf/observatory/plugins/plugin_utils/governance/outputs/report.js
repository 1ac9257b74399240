// Filters of the controls, and links that open the control they lead to.
(() => {
  "use strict";
  const form = document.querySelector(".filters");
  const controls = [...document.querySelectorAll(".control")].map((box) => ({
    box, rows: [...box.querySelectorAll("tr[data-state]")],
  }));
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  form.hidden = false;

  function apply() {
    const want = Object.fromEntries(new FormData(form));
    const words = want.text.toLowerCase().split(/\s+/).filter(Boolean);
    const filtered = Object.values(want).some(Boolean);
    let count = 0;
    for (const { box, rows } of controls) {
      const of = box.dataset;
      const here = ["severity", "domain", "owner"].every((key) => !want[key] || of[key] === want[key]) &&
        (!want.framework || of.framework.includes(` ${want.framework} `));
      let left = 0;
      for (const row of rows) {
        const is = row.dataset;
        const state = !want.state || is.state === want.state ||
          (want.state === "open" && (is.state === "fail" || is.state === "error"));
        const fits = here && state && (!want.region || is.region === want.region) && (!want.change || is.change === want.change) &&
          words.every((word) => of.text.includes(word) || is.text.includes(word));
        row.hidden = !fits;
        left += fits;
      }
      const visible = rows.length ? left > 0 : here && !want.state && !want.region && !want.change && words.every((w) => of.text.includes(w));
      box.hidden = !visible;
      count += visible;
    }
    shown.textContent = filtered ? `${count} of ${controls.length}` : `${controls.length}`;
    nothing.hidden = count > 0;
    for (const button of document.querySelectorAll(".tally button")) {
      button.setAttribute("aria-pressed", String(button.dataset.value === want.state));
    }
  }

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  for (const button of document.querySelectorAll("button[data-filter]")) {
    button.addEventListener("click", () => {
      const field = form.elements[button.dataset.filter];
      field.value = field.value === button.dataset.value ? "" : button.dataset.value;
      apply();
      document.getElementById("controls").scrollIntoView({ behavior: "smooth" });
    });
  }
  function open() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") {
      if (target.hidden) { form.reset(); setTimeout(apply); }
      target.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", open);
  apply();
  open();
})();
