// What a module does: evaluates small pieces of code against it and writes down, one JSON line each, what came of them.
// Started as `node probe.mjs JOB.json RESULT.jsonl` in a throw-away copy of the repository. Values are written as source
// text, so that a test can hold the very same words.
import fs from 'node:fs';
import path from 'node:path';
import os from 'node:os';
import url from 'node:url';
import net from 'node:net';
import events from 'node:events';
import stream from 'node:stream';
import process from 'node:process';
import childProcess from 'node:child_process';
import {Buffer} from 'node:buffer';
import {createRequire, syncBuiltinESMExports} from 'node:module';
import {Worker} from 'node:worker_threads';

const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const log = fs.openSync(process.argv[3], 'a');
const say = fs.writeSync.bind(fs, log);
const leave = process.exit.bind(process);
const wait = setTimeout;
const LONGEST = 400;
const ITEMS = 50;

// A call that never comes back would hold this thread for ever: another one ends the process, and the rest goes on anew.
const beat = new Int32Array(new SharedArrayBuffer(4));
new Worker(`
	const {workerData} = require('node:worker_threads');
	let seen = -1;
	setInterval(() => {
		const now = Atomics.load(workerData.beat, 0);
		if (now === seen && now > 0) {
			process.kill(process.pid, 'SIGKILL');
		}
		seen = now;
	}, workerData.patience);
`, {eval: true, workerData: {beat, patience: 4 * job.timeout}}).unref();

let effects = new Set();
const outer = {...process.env};
const guarded = (object, name, effect, answer) => {
	object[name] = function () {
		effects.add(effect);
		return answer?.();
	};
};
const refuse = () => {
	throw new Error('not while it is probed');
};
for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork']) {
	guarded(childProcess, name, 'program', refuse);
}
guarded(net.Socket.prototype, 'connect', 'network', refuse);
guarded(net.Server.prototype, 'listen', 'network', refuse);
for (const name of ['kill', 'abort', 'chdir', 'reallyExit']) {
	guarded(process, name, name === 'reallyExit' ? 'exit' : name);
}
const exits = code => {
	effects.add('exit');
};
process.exit = exits;
if (globalThis.fetch) {
	guarded(globalThis, 'fetch', 'network', refuse);
}
for (const pipe of [process.stdout, process.stderr]) {
	pipe.write = (chunk, encoding, done) => {
		effects.add('output');
		const call = typeof encoding === 'function' ? encoding : done;
		call?.();
		return true;
	};
}
syncBuiltinESMExports();
process.on('uncaughtException', () => effects.add('unhandled'));
process.on('unhandledRejection', () => effects.add('unhandled'));

class NotLiteral extends Error {}

const ESCAPES = {'\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', '\'': '\\\''};
const quote = text => '\'' + text.replaceAll(/[\\'\u0000-\u001F\u007F-\u00A0\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u2069\uD800-\uDFFF\uFEFF]/gu,
	char => ESCAPES[char] ?? [...Array(char.length).keys()].map(i => '\\u' + char.charCodeAt(i).toString(16).toUpperCase().padStart(4, '0')).join('')) + '\'';
const key = name => /^[A-Za-z_$][\w$]*$/.test(name) && name !== '__proto__' ? name : name === '__proto__' ? '[\'__proto__\']' : quote(name);

// The source text of a value that equals it; NotLiteral where there is none.
function source(value, depth = 0) {
	if (depth > 8) {
		throw new NotLiteral();
	}
	const inner = item => source(item, depth + 1);
	switch (typeof value) {
		case 'undefined': return 'undefined';
		case 'boolean': return String(value);
		case 'string': return quote(value);
		case 'bigint': return `${value}n`;
		case 'number':
			if (Number.isNaN(value)) {
				return 'Number.NaN';
			}
			if (!Number.isFinite(value)) {
				return value > 0 ? 'Number.POSITIVE_INFINITY' : 'Number.NEGATIVE_INFINITY';
			}
			return Object.is(value, -0) ? '-0' : String(value);
		case 'object': break;
		default: throw new NotLiteral();
	}
	if (value === null) {
		return 'null';
	}
	const proto = Object.getPrototypeOf(value);
	const own = Reflect.ownKeys(value);
	if (Array.isArray(value) && proto === Array.prototype) {
		if (own.length !== value.length + 1 || value.length > 100) {
			throw new NotLiteral();
		}
		return `[${value.map(item => inner(item)).join(', ')}]`;
	}
	if (proto === Date.prototype && own.length === 0 && !Number.isNaN(value.getTime())) {
		return `new Date('${value.toISOString()}')`;
	}
	if (proto === RegExp.prototype && value.lastIndex === 0) {
		return String(value);
	}
	if (proto === Map.prototype && own.length === 0) {
		return value.size === 0 ? 'new Map()' : `new Map(${inner([...value])})`;
	}
	if (proto === Set.prototype && own.length === 0) {
		return value.size === 0 ? 'new Set()' : `new Set(${inner([...value])})`;
	}
	if (proto === URL.prototype) {
		return `new URL(${quote(value.href)})`;
	}
	if (Buffer.isBuffer(value)) {
		return value.length > 64 ? (() => {
			throw new NotLiteral();
		})() : `Buffer.from('${value.toString('hex')}', 'hex')`;
	}
	if (ArrayBuffer.isView(value) && proto.constructor?.name in globalThis && proto.constructor.name !== 'DataView') {
		return `${proto.constructor.name}.of(${[...value.slice(0, 101)].map(item => inner(item)).join(', ')})`;
	}
	if (proto !== Object.prototype || own.length > 60) {
		throw new NotLiteral();
	}
	const parts = own.map(name => {
		const about = Object.getOwnPropertyDescriptor(value, name);
		if (typeof name === 'symbol' || !about.enumerable || about.get || about.set) {
			throw new NotLiteral();
		}
		return `${key(name)}: ${inner(about.value)}`;
	});
	return `{${parts.join(', ')}}`;
}

const literal = value => {
	try {
		const text = source(value);
		return text.length > LONGEST ? undefined : text;
	} catch {
		return undefined;
	}
};

const soon = async promise => {
	let timer;
	const late = new Promise((resolve, reject) => {
		timer = wait(() => reject(new Late()), job.timeout);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
};
class Late extends Error {}

const broken = error => ({
	is: 'error',
	error: error instanceof Error,
	name: String(error?.name),
	type: String(error?.constructor?.name),
	global: globalThis[error?.constructor?.name] === error?.constructor,
	message: String(error?.message).slice(0, 300),
	code: typeof error?.code === 'string' ? error.code : undefined,
});

async function items(value) {
	const found = [];
	const iterator = value[Symbol.asyncIterator] ? value[Symbol.asyncIterator]() : value[Symbol.iterator]();
	while (found.length < ITEMS) {
		const {done, value: item} = await soon(iterator.next());
		if (done) {
			return literal(found);
		}
		found.push(item);
	}
	return undefined;
}

async function observe(value) {
	const text = literal(value);
	if (text !== undefined) {
		return {is: 'value', source: text, type: value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value};
	}
	if (typeof value !== 'object') {
		return {is: typeof value, length: typeof value === 'string' ? value.length : undefined};
	}
	const seen = {is: 'object', type: String(Object.getPrototypeOf(value)?.constructor?.name ?? 'null')};
	const generator = typeof value.next === 'function';
	if (value[Symbol.iterator] && !Array.isArray(value)) {
		seen.items = await items(value);
	} else if (value[Symbol.asyncIterator] && generator) {
		seen.items = await items(value);
		seen.async = true;
	}
	if (!generator) {
		seen.keys = literal(Object.keys(value));
		seen.fields = Object.entries(value).slice(0, 12).map(([name, field]) => [name, literal(field)]).filter(([, field]) => field);
	}
	return seen;
}

const AsyncFunction = (async () => {}).constructor;
const names = Object.keys(job.names);
const helpers = {path, fs, os, url, events, stream, process, Buffer, EventEmitter: events.EventEmitter, PassThrough: stream.PassThrough,
	Readable: stream.Readable, Writable: stream.Writable, Duplex: stream.Duplex, Transform: stream.Transform, require: createRequire(job.module)};

async function evaluate(candidate, bound) {
	Atomics.add(beat, 0, 1);
	effects = new Set();
	const outcome = {};
	const code = `'use strict';\n{ const __out = {};\n${candidate.setup ?? ''}\n\ntry { __out.value = (${candidate.expr}\n); } catch (error) { __out.error = error; __out.threw = true; }\nreturn [__out, async () => {${candidate.after ?? ''}\n}, () => (${candidate.then || 'undefined'}\n)]; }`;
	const free = Object.keys(helpers).filter(name => !names.some(local => job.names[local] === name));
	let made;
	try {
		const run = new AsyncFunction(...names.map(name => job.names[name]), ...free, code);
		made = await soon(run(...names.map(name => bound[name]), ...free.map(name => helpers[name])));
	} catch (error) {
		return {bad: error instanceof Late ? 'late' : String(error?.message).slice(0, 200)};
	}
	const [out, after, then] = made;
	try {
		if (out.threw) {
			outcome.value = broken(out.error);
		} else if (typeof out.value?.then === 'function') {
			outcome.promise = true;
			try {
				outcome.value = await observe(await soon(out.value));
			} catch (error) {
				if (error instanceof Late) {
					outcome.bad = 'late';
				}
				outcome.value = broken(error);
			}
		} else {
			outcome.value = await observe(out.value);
		}
		await soon(after());
		if (candidate.then) {
			outcome.then = await observe(then());
		}
	} catch (error) {
		outcome.bad = error instanceof Late ? 'late' : `observing: ${error?.message}`.slice(0, 200);
	}
	await new Promise(resolve => {
		wait(resolve, 1);
	});
	process.exit = exits;
	if (Object.keys(process.env).length !== Object.keys(outer).length) {
		effects.add('environment');
		for (const name of Object.keys(process.env)) {
			if (!(name in outer)) {
				delete process.env[name];
			}
		}
		Object.assign(process.env, outer);
	}
	outcome.effects = [...effects];
	return outcome;
}

// Names, sizes and times of the files below the folders that a test must leave alone.
function files() {
	const found = [];
	const visit = (folder, top) => {
		let entries = [];
		try {
			entries = fs.readdirSync(folder, {withFileTypes: true});
		} catch {}
		for (const entry of entries) {
			const file = path.join(folder, entry.name);
			if (found.length > 3000 || ['node_modules', '.git'].includes(entry.name)) {
				continue;
			}
			if (entry.isDirectory()) {
				found.push(file);
				visit(file);
			} else {
				const about = fs.lstatSync(file, {throwIfNoEntry: false});
				found.push(`${file} ${about?.size} ${about?.mtimeMs}`);
			}
		}
	};
	visit(job.tree);
	visit(process.env.HOME);
	return found.join('\n');
}

const isClass = value => /^class\b/.test(Function.prototype.toString.call(value));
const describe = value => {
	if (typeof value !== 'function') {
		return {kind: 'value', type: typeof value, array: Array.isArray(value), source: literal(value), keys: value && typeof value === 'object' ? Object.keys(value).slice(0, 40) : []};
	}
	const members = [];
	for (let proto = value.prototype; proto && proto !== Object.prototype && members.length < 60; proto = Object.getPrototypeOf(proto)) {
		for (const name of Reflect.ownKeys(proto)) {
			const about = Object.getOwnPropertyDescriptor(proto, name);
			if (typeof name === 'string' && name !== 'constructor') {
				members.push({name, getter: Boolean(about.get), length: typeof about.value === 'function' ? about.value.length : -1});
			}
		}
	}
	const statics = Object.getOwnPropertyNames(value).filter(name => !['length', 'name', 'prototype'].includes(name));
	return {kind: isClass(value) ? 'class' : 'function', length: value.length, name: value.name, members, statics};
};

const namespace = await import(url.pathToFileURL(job.module).href);
const exported = Object.fromEntries(Object.entries(namespace));
say(JSON.stringify({exports: Object.fromEntries(Object.entries(exported).map(([name, value]) => [name, describe(value)])), effects: [...effects], machine: [process.version, process.version.slice(1), os.hostname(), os.release(), process.platform, process.arch, process.execPath].filter(word => word.length > 2)}) + '\n');
const standIn = value => isClass(value) ? class {} : function () {}; // eslint-disable-line
let before = files();
const late = new Map();
for (const candidate of job.candidates) {
	say(JSON.stringify({begun: candidate.id}) + '\n');
	const tired = late.get(candidate.group) > 2;
	const outcome = tired ? {bad: 'late'} : await evaluate(candidate, exported);
	if (outcome.bad === 'late') {
		late.set(candidate.group, (late.get(candidate.group) ?? 0) + 1);
	}
	outcome.id = candidate.id;
	const now = files();
	if (now !== before) {
		outcome.effects = [...outcome.effects ?? [], 'wrote'];
		before = now;
	}
	outcome.told = [];
	if (!outcome.bad && outcome.value) {
		const said = JSON.stringify([outcome.value, outcome.promise, outcome.then]);
		for (const name of candidate.uses) {
			if (typeof exported[name] === 'function') {
				const other = await evaluate(candidate, {...exported, [name]: standIn(exported[name])});
				if (other.bad || JSON.stringify([other.value, other.promise, other.then]) !== said) {
					outcome.told.push(name);
				}
			}
		}
	}
	say(JSON.stringify(outcome) + '\n');
}
leave(0);
