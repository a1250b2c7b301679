'use strict';
// Adds to a page that is complete without it: filters, search, change of
// language, copying an ID. It makes no markup from strings and asks no network.
(() => {
	const root = document.documentElement;
	const all = (sel, from = document) => [...from.querySelectorAll(sel)];
	const words = {
		en: {shown: (n, m) => `${n} of ${m} shown`, copy: 'Copy for the ignore file', copied: 'Copied'},
		'zh-CN': {shown: (n, m) => `显示 ${n} / ${m} 项`, copy: '复制到忽略文件', copied: '已复制'},
	};
	const say = (key, ...args) => {
		const w = words[root.lang][key];
		return typeof w === 'function' ? w(...args) : w;
	};

	// What is filtered, for every target of the page: s severities, c classes,
	// q text, a whether accepted findings are hidden.
	const state = {s: new Set(), c: new Set(), q: '', a: false};

	const targets = all('.target').map(el => ({
		el,
		bar: el.querySelector('.filters'),
		classes: all('.class', el).map(c => ({el: c, name: c.dataset.c, num: c.querySelector('.num'), groups: all('.g', c), boxes: all('.accepted', c)})),
		items: all('.f', el).map(f => ({el: f, s: f.dataset.s, c: f.closest('.class').dataset.c, a: 'a' in f.dataset, text: null})),
	})).filter(t => t.bar);

	// text is what a search looks in: the finding in both languages, and its check.
	const text = it => it.text ??= [it.el, ...all('h5, .ck', it.el.closest('.g').firstElementChild)].map(x => x.textContent).join(' ').toLowerCase();

	function apply() {
		const wanted = state.q.toLowerCase().split(/\s+/).filter(Boolean);
		const active = wanted.length > 0 || state.s.size > 0 || state.c.size > 0 || state.a;
		for (const t of targets) {
			const n = {s: new Map(), c: new Map(), shown: 0}, add = (m, k) => m.set(k, (m.get(k) || 0) + 1);
			for (const it of t.items) {
				const base = !(state.a && it.a) && wanted.every(w => text(it).includes(w));
				const s = !state.s.size || state.s.has(it.s), c = !state.c.size || state.c.has(it.c);
				if (base && c) add(n.s, it.s);
				if (base && s) add(n.c, it.c);
				it.shown = base && s && c;
				n.shown += it.shown;
				if (it.el.hidden === it.shown) it.el.hidden = !it.shown;
			}
			for (const c of t.classes) {
				for (const g of [...c.groups, ...c.boxes]) g.hidden = !g.querySelector('.f:not([hidden])');
				const left = c.el.querySelectorAll('.f:not([hidden])').length, total = c.num.dataset.total;
				c.el.hidden = !left;
				c.num.textContent = left == total ? total : left + ' / ' + total;
			}
			for (const b of all('.chips button', t.bar)) {
				const key = b.parentNode.dataset.filter;
				b.setAttribute('aria-pressed', state[key].has(b.value));
				b.querySelector('b').textContent = n[key].get(b.value) || 0;
			}
			const q = t.bar.querySelector('[type=search]');
			if (q.value !== state.q) q.value = state.q;
			t.bar.querySelector('[type=checkbox]').checked = state.a;
			t.bar.querySelector('output').textContent = say('shown', n.shown, t.items.length);
			t.bar.querySelector('[data-do=reset]').hidden = !active;
			t.bar.classList.toggle('on', active);
		}
	}

	// The address keeps the filters, so that a view can be shared.
	function remember() {
		const p = new URLSearchParams();
		if (state.s.size) p.set('s', [...state.s].join());
		if (state.c.size) p.set('c', [...state.c].join());
		if (state.q) p.set('q', state.q);
		if (state.a) p.set('a', 'hide');
		p.set('l', root.lang);
		history.replaceState(null, '', '#' + p);
	}

	function recall() {
		const hash = location.hash.slice(1);
		if (!hash.includes('=')) return reveal(hash);
		const p = new URLSearchParams(hash), list = key => new Set((p.get(key) || '').split(',').filter(Boolean));
		Object.assign(state, {s: list('s'), c: list('c'), q: p.get('q') || '', a: p.get('a') === 'hide'});
		if (Object.hasOwn(words, p.get('l'))) speak(p.get('l'));
		apply();
	}

	// reveal opens what an anchor names, and lifts filters that hide it.
	function reveal(id) {
		let el = null;
		try { el = id && document.getElementById(decodeURIComponent(id)); } catch { return; }
		if (!el || !el.matches('.f')) return;
		if (el.hidden) reset();
		for (let d = el; d; d = d.parentElement.closest('details')) d.open = true;
		el.scrollIntoView({block: 'center'});
	}

	function reset() {
		Object.assign(state, {s: new Set(), c: new Set(), q: '', a: false});
		apply();
	}

	function speak(lang) {
		root.lang = lang;
		document.title = lang === 'en' ? root.dataset.titleEn : root.dataset.titleZh;
		for (const b of all('.lang button')) b.setAttribute('aria-pressed', b.value === lang);
		for (const b of all('.copy')) b.textContent = say('copy');
	}

	async function copy(button) {
		const entry = `- id: ${button.previousElementSibling.textContent}\n  reason: \n  expires: \n`;
		try { await navigator.clipboard.writeText(entry); } catch {
			getSelection().selectAllChildren(button.previousElementSibling);
			document.execCommand('copy'); // without the API: the ID alone
		}
		button.textContent = say('copied');
	}

	document.addEventListener('click', e => {
		const b = e.target.closest('button');
		if (!b) return;
		const key = b.parentNode.dataset.filter;
		if (key) {
			state[key].has(b.value) ? state[key].delete(b.value) : state[key].add(b.value);
		} else if (b.closest('.lang')) {
			speak(b.value);
		} else if (b.dataset.do === 'reset') {
			reset();
		} else if (b.dataset.do === 'open') {
			const fs = all('.f:not([hidden])', b.closest('.target')), open = fs.some(f => !f.open);
			for (const f of fs) f.open = open;
			return;
		} else {
			return void copy(b);
		}
		apply();
		remember();
	});
	let pending = 0;
	document.addEventListener('input', e => {
		if (e.target.type === 'search') state.q = e.target.value;
		if (e.target.type === 'checkbox') state.a = e.target.checked;
		clearTimeout(pending);
		pending = setTimeout(() => { apply(); remember(); }, 80);
	});
	// A finding gets its button when it is opened: thousands need none.
	document.addEventListener('toggle', e => {
		const id = e.target.matches('.f[open]') && e.target.querySelector('.id');
		if (!id || id.nextElementSibling) return;
		const b = document.createElement('button');
		b.type = 'button';
		b.className = 'copy';
		b.textContent = say('copy');
		id.after(b);
	}, true);
	let closed = [];
	addEventListener('beforeprint', () => {
		closed = all('details:not([open])');
		for (const d of closed) d.open = true;
	});
	addEventListener('afterprint', () => { for (const d of closed) d.open = false; });
	addEventListener('hashchange', recall);

	for (const el of all('.lang, .filters')) el.hidden = false;
	speak(root.lang);
	apply();
	recall();
})();
