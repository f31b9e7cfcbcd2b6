/** A command line is seen by everyone on the machine: secrets in it are hidden as soon as the command runs. */
import { execFileSync, spawn } from 'node:child_process';
import { type Server, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { newKey } from '../../cli/trial/keys';
import { until } from '../support/until';

const MAIN = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

let silent: Server;
beforeAll(async () => {
  silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  silent.closeAllConnections();
  return new Promise((resolve) => silent.close(resolve));
});

test('the list of processes shows neither keys nor passwords', async () => {
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const key = newKey();
  const words = ['orders', 'list', '--url', url, '--store', 'shop', '--key', key, '--state', 'mysql://shop:pa55@h/x'];
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: 'ignore' });
  try {
    const shown = () => execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(child.pid)], { encoding: 'utf8' });
    await until('the command to hide its secrets', async () => shown().includes('(secret)'));
    expect(shown()).toContain(`--key ${key.slice(0, 15)}_(secret)`);
    expect(shown()).not.toContain(key.slice(16));
    expect(shown()).not.toContain('pa55');
  } finally {
    child.kill();
  }
});
