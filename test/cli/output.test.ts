/** A command whose output nobody reads to its end, as behind `head`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MAIN } from '../support/processes';

test('a reader that has enough ends no command with an error', async () => {
  const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (text: Buffer) => void (said += text.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  expect([code, said]).toEqual([0, '']);
});
