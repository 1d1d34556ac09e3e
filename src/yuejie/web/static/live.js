// The live bill: hears each second whether it moved, and puts new figures where the old ones stand.
"use strict";

(() => {
  const RETRY_MS = 5000;
  const board = document.querySelector("[data-stream]");
  const pulse = document.querySelector("[data-pulse]");
  let stream = null;
  let asking = false;
  let again = false;

  const tell = (on, words) => {
    if (!pulse) return;
    const said = words || (on ? pulse.dataset.on : pulse.dataset.off);
    if (pulse.textContent !== said) pulse.textContent = said;
    pulse.className = `badge ${on && !words ? "bg-green-lt" : "bg-orange-lt"}`;
  };

  // Only the inside of marked places is exchanged: what scrolls or has the focus stays.
  const put = (page) => {
    const fresh = page.querySelector("[data-stream]");
    if (!fresh) return;
    const places = (root) => new Map([...root.querySelectorAll("[data-live]")].map((at) => [at.dataset.live, at]));
    const [old, now] = [places(board), places(fresh)];
    if ([...old.keys()].join() !== [...now.keys()].join()) {
      board.innerHTML = fresh.innerHTML;
      return;
    }
    for (const [name, at] of now) {
      const was = old.get(name);
      if (was.innerHTML !== at.innerHTML) was.innerHTML = at.innerHTML;
    }
  };

  const look = async () => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
      if (answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      tell(false);
    }
    asking = false;
    if (again) {
      again = false;
      look();
    }
  };

  const grouped = (text) => text.replace(/\B(?=(\d{3})+\.)/g, ",");

  const moved = (event) => {
    tell(true);
    const total = board.querySelector("[data-total]");
    if (!total) {
      look();
      return;
    }
    const { gross } = JSON.parse(event.data);
    total.textContent = `${grouped(gross.amount)} ${gross.currency}`;
  };

  const open = () => {
    if (stream) return;
    stream = new EventSource(board.dataset.stream);
    stream.addEventListener("open", () => tell(true));
    stream.addEventListener("bill", moved);
    stream.addEventListener("change", moved);
    stream.addEventListener("problem", (event) => tell(true, event.data));
    stream.addEventListener("error", () => {
      tell(false);
      if (stream && stream.readyState === EventSource.CLOSED) {
        shut();
        setTimeout(follow, RETRY_MS);
      }
    });
  };

  const shut = () => {
    if (stream) stream.close();
    stream = null;
  };

  // A browser has six connections for us: a page that nobody sees holds none of them.
  const follow = () => (document.hidden ? shut() : open());

  if (!board || !window.EventSource) return;
  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", shut);
  window.addEventListener("pageshow", follow);
  follow();
})();
