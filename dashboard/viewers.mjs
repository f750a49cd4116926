// What viewers cost the host: `node viewers.mjs PAGE_URL HOST_PID [VIEWERS [SECONDS]]`, for a lab that is
// up (`scripts/lab url`, `scripts/lab status --json`). Reads the host's processor time with nobody
// and with that many, and prints both; every fourth viewer falls asleep and reads nothing more.
import { readFileSync } from 'node:fs';
import http from 'node:http';

const [url, pid, viewers = '100', seconds = '20'] = process.argv.slice(2);
const settle = 3; // s, until all of them have had the last minutes
const ticks = 100; // a second: USER_HZ

const later = s => new Promise(next => setTimeout(next, s * 1000));
function processor() { // s, since it started
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}
const memory = () => /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1];
async function share() {
  const before = processor();
  await later(Number(seconds));
  return 100 * (processor() - before) / Number(seconds);
}

const alone = await share();
const before = memory();
let events = 0;
for (let i = 0; i < Number(viewers); ++i)
  http.get(new URL('api/v1/events', url), { agent: false, headers: { Accept: 'text/event-stream' } }, answer => {
    answer.on('data', part => { events += part.toString().split('\nevent:').length - 1; });
    if (i % 4 === 3) answer.pause();
  });
await later(settle);
events = 0;
const watched = await share();
console.log(`nobody: ${alone.toFixed(2)} % of a core, ${before} kB; ${viewers} viewers: ${watched.toFixed(2)} %, ${memory()} kB, ` +
  `${(events / Number(seconds)).toFixed(0)} events a second`);
process.exit(0);
