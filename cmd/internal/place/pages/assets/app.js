// The little that pages cannot do without a script: keep themselves up to date, and
// say what came of a press where it was pressed.
"use strict";

// Parts of a page with data-part are taken from the page anew when the service says
// that something changed. What somebody is using just now is left alone.
const live = document.body.dataset.live;
if (live) {
	let asked = 0, again = false, busy = false, last = 0;
	const refresh = async () => {
		if (busy) { again = true; return; }
		busy = true;
		last = Date.now();
		try {
			const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "follow" });
			if (answer.redirected && new URL(answer.url).pathname !== location.pathname) { location.reload(); return; }
			if (answer.ok) {
				const page = new DOMParser().parseFromString(await answer.text(), "text/html");
				for (const part of document.querySelectorAll("[data-part]")) {
					const fresh = page.getElementById(part.id);
					const used = part.contains(document.activeElement) || part.querySelector(":popover-open");
					if (fresh && !used && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
				}
			}
		} catch { /* offline: the next change or poll tries again */ }
		busy = false;
		if (again) { again = false; soon(); }
	};
	// At once, but no more than about once a second however much happens.
	const soon = () => { clearTimeout(asked); asked = setTimeout(refresh, Math.max(50, last + 800 - Date.now())); };
	let poll = 0;
	const polling = (on) => {
		clearInterval(poll);
		if (on) poll = setInterval(() => { if (!document.hidden) refresh(); }, 5000);
	};
	const source = new EventSource(live);
	source.addEventListener("change", soon);
	source.addEventListener("open", () => polling(false));
	source.addEventListener("error", () => polling(true));
	document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
}

const place = () => new Promise((done, fail) => {
	if (!navigator.geolocation) { fail(); return; }
	navigator.geolocation.getCurrentPosition(done, fail, { enableHighAccuracy: true, timeout: 10000, maximumAge: 10000 });
});

// press unlocks a door and says what came of it. Where the phone is, is asked for only
// if the door wants to know.
export async function press(door, form, send) {
	const button = form.querySelector("button"), said = door.querySelector(".said"), code = form.querySelector(".code");
	if (button.getAttribute("aria-busy") === "true") return;
	button.setAttribute("aria-busy", "true");
	said.textContent = "";
	const body = new URLSearchParams(new FormData(form));
	const locate = async () => {
		said.textContent = "Finding out where you are…";
		try {
			const at = await place();
			body.set("latitude", at.coords.latitude);
			body.set("longitude", at.coords.longitude);
			body.set("accuracy", at.coords.accuracy);
			body.set("age", Math.max(0, (Date.now() - at.timestamp) / 1000));
			return true;
		} catch {
			said.textContent = "This door opens only near it: allow this page to use your location, and press again.";
			return false;
		}
	};
	try {
		const known = door.dataset.needs === "location";
		if (known && !await locate()) return;
		let answer = await send(body);
		if (answer.needs === "location" && !known) {
			door.dataset.needs = "location";
			if (!await locate()) return;
			answer = await send(body);
		}
		said.textContent = answer.text;
		if (answer.needs === "code" && code) {
			code.hidden = false;
			code.querySelector("input").value = "";
			code.querySelector("input").focus();
		}
		if (answer.ok) {
			if (code) code.querySelector("input").value = "";
			door.classList.add("opened");
			setTimeout(() => { door.classList.remove("opened"); said.textContent = ""; }, 4000);
		}
	} catch {
		said.textContent = "No answer: look whether you are online, and press again.";
	} finally {
		button.removeAttribute("aria-busy");
	}
}

export async function post(path, headers, body) {
	const answer = await fetch(path, { method: "POST", headers: { Accept: "application/json", ...headers }, body });
	return answer.json();
}

for (const form of document.querySelectorAll("[data-unlock]")) {
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		press(form.closest("[data-door]"), form, (body) => post(form.getAttribute("action"), {}, body));
	});
}

// What was typed wrong is read out first.
document.querySelector(".errors")?.focus();

// An invitation's code comes in the fragment, and stays out of every log.
const code = document.getElementById("f-code");
if (code && location.hash.length > 1 && location.pathname.endsWith("/invited")) {
	code.value = decodeURIComponent(location.hash.slice(1));
	code.closest(".field").hidden = true;
}

// A time zone is that of the browser until somebody says otherwise.
const zone = document.getElementById("f-place.time_zone");
if (zone && zone.value === "UTC") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

for (const button of document.querySelectorAll("[data-copies]")) {
	const from = document.getElementById(button.dataset.copies);
	if (!navigator.clipboard) continue;
	button.hidden = false;
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(from.value);
		button.textContent = "Copied";
	});
}
