// A quick access link's secret is in the fragment of the address. It goes out only in
// a header of these requests, never in an address.
import { press, post } from "./app.js";

const secret = location.hash.slice(1);
const say = document.getElementById("link-say"), list = document.getElementById("link-doors");
const headers = { Authorization: "KISI-GROUP-LINK " + secret };

async function show() {
	if (!secret) {
		say.textContent = "This link is not whole: open it as it stands in the mail.";
		return;
	}
	let answer;
	try {
		answer = await post("/app/link/doors", headers);
	} catch {
		say.textContent = "No answer: look whether you are online, and load the page again.";
		return;
	}
	if (!answer.doors) {
		say.textContent = answer.text;
		list.replaceChildren();
		return;
	}
	document.getElementById("link-place").textContent = answer.place || "Your doors";
	say.textContent = answer.doors.length ? "" : "This link opens no door now.";
	for (const door of answer.doors) {
		let item = document.getElementById("link-" + door.id);
		if (!item) {
			item = document.getElementById("link-door").content.firstElementChild.cloneNode(true);
			item.id = "link-" + door.id;
			item.querySelector("h2").textContent = door.name;
			item.querySelector(".unseen").textContent = " " + door.name;
			const form = item.querySelector("form");
			form.addEventListener("submit", (event) => {
				event.preventDefault();
				press(item, form, (body) => post("/app/link/doors/" + door.id + "/unlock", headers, body));
			});
			list.append(item);
		}
		const state = item.querySelector(".state");
		state.textContent = door.state;
		state.className = "state " + door.class;
	}
}

show();
setInterval(() => { if (!document.hidden && secret) show(); }, 10000);
window.addEventListener("hashchange", () => location.reload());
