// What is wrong with the page, one sentence each: contrast, structure, width.
(() => {
  const wrong = [];
  const visible = (element) => element.checkVisibility({ visibilityProperty: true }) &&
    element.getClientRects().length > 0 && !element.closest(".heard, .skip");
  const channels = (color) => {
    const found = color.match(/^rgba?\(([\d.]+),? ([\d.]+),? ([\d.]+)(?:,? \/? ?([\d.]+))?\)$/);
    if (!found) return null;
    const [, r, g, b, a] = found;
    return { rgb: [r, g, b].map(Number), alpha: a === undefined ? 1 : Number(a) };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color && color.alpha === 1) return color.rgb;
      if (color && color.alpha > 0) wrong.push(`a background that shines through: ${at.className}`);
    }
    return [255, 255, 255];
  };

  // WCAG 2.2, 1.4.3: 4.5 to 1, for large text 3 to 1.
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest("style") || element.tagName === "title" || !visible(element)) continue;
    const style = getComputedStyle(element);
    const color = channels(element.ownerSVGElement ? style.fill : style.color);
    if (!color) { wrong.push(`a colour that cannot be read: ${style.color} ${style.fill}`); continue; }
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(color.rgb, ground(element));
    seen += 1;
    if (ratio < (large ? 3 : 4.5)) {
      wrong.push(`contrast ${ratio.toFixed(2)}: "${texts.currentNode.data.trim().slice(0, 40)}" (${element.tagName} ${element.className.baseVal ?? element.className})`);
    }
  }
  if (seen < 50) wrong.push(`only ${seen} texts were looked at`);

  // 1.4.11: marks of charts are told from what is behind them, or stand beside a label with the figure.
  for (const name of ["before", "plan", "reserved", "good", "bad", "agents", "headroom", "other"]) {
    const probe = document.createElement("i");
    probe.className = `b-${name}`;
    document.querySelector("section").append(probe);
    const ratio = contrast(channels(getComputedStyle(probe).backgroundColor).rgb, ground(probe.parentElement));
    probe.remove();
    if (ratio < 3) wrong.push(`mark ${name}: ${ratio.toFixed(2)}`);
  }

  // 1.4.10: nothing but tables and the list of contents is wider than the window.
  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) {
    const out = [...document.querySelectorAll("body *")].filter((e) => visible(e) &&
      e.getBoundingClientRect().right > wide.clientWidth + 1 && !e.closest(".scroll, nav"));
    wrong.push(`wider than the window: ${wide.scrollWidth} > ${wide.clientWidth}: ${out.slice(0, 3).map((e) => e.outerHTML.slice(0, 80))}`);
  }

  // Structure.
  if (!document.documentElement.lang || !document.title) wrong.push("no language or no title");
  for (const tag of ["header", "nav", "main", "footer", "h1"]) {
    if (document.querySelectorAll(`body ${tag}`).length !== 1) wrong.push(`not one ${tag}`);
  }
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`heading ${heading.textContent} skips a level`);
    level = next;
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id twice");
  for (const link of document.querySelectorAll("a")) {
    if (!document.querySelector(link.getAttribute("href"))) wrong.push(`${link.href} leads nowhere`);
  }
  for (const figure of document.querySelectorAll("figure")) {
    if (!figure.querySelector("figcaption") || !figure.querySelector("details table tbody tr")) wrong.push(`${figure.id}: no caption or no table`);
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption || !table.tHead || [...table.querySelectorAll("th")].some((th) => !th.scope)) wrong.push("a table without caption, head or scope");
    const columns = table.tHead.rows[0].cells.length;
    if ([...table.rows].some((row) => row.cells.length !== columns)) wrong.push(`${table.caption.textContent}: rows of another length`);
  }
  for (const chart of document.querySelectorAll("svg[role=img]")) {
    if (!chart.getAttribute("aria-label")) wrong.push("a chart without a name");
  }
  for (const region of document.querySelectorAll(".scroll")) {
    if (region.tabIndex !== 0) wrong.push("a region that the keyboard cannot scroll");
  }
  // Texts of charts stay within them.
  for (const chart of document.querySelectorAll("svg.chart")) {
    if (!visible(chart)) continue;
    const frame = chart.getBoundingClientRect();
    for (const text of chart.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      if (box.left < frame.left - 2 || box.right > frame.right + 2) wrong.push(`${text.textContent.trim()} leaves its chart`);
    }
  }
  return wrong;
})()
