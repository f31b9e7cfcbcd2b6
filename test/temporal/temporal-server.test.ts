/** Where the Temporal server comes from, and what is asked of one that is there already. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { findTemporal, locateTemporal, startTemporalServer, temporalCacheDir } from '../../workers/temporal-server';
import { ensureSearchAttributes } from '../../workers/search-attributes';
import { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, freePort } from '../support/servers';

describe('the server is looked for', () => {
  let folder: string;
  let cacheDir: string;
  let bin: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'entrepot-find-'));
    cacheDir = join(folder, 'cache');
    bin = join(folder, 'bin');
    mkdirSync(cacheDir);
    mkdirSync(bin);
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const program = (file: string, text = 'exit 0') => {
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  };

  test('at TEMPORAL_ADDRESS first, then on PATH, then in the cache', async () => {
    const onPath = program(join(bin, 'temporal'));
    const cached = program(join(cacheDir, 'temporal'));
    const env = { PATH: bin };
    expect(await locateTemporal({ env: { ...env, TEMPORAL_ADDRESS: 'elsewhere:7233' }, cacheDir })).toEqual({
      ...{ kind: 'address', address: 'elsewhere:7233' },
    });
    expect(await locateTemporal({ env, cacheDir })).toEqual({ kind: 'binary', path: onPath, source: 'path' });
    rmSync(onPath);
    expect(await locateTemporal({ env, cacheDir })).toEqual({ kind: 'binary', path: cached, source: 'cache' });
    rmSync(cached);
    expect(await locateTemporal({ env, cacheDir })).toBeNull();
  });

  test("a file that can't be run is none", async () => {
    writeFileSync(join(bin, 'temporal'), 'text');
    expect(await locateTemporal({ env: { PATH: bin }, cacheDir })).toBeNull();
  });

  test("the cache is the user's, or where ENTREPOT_CACHE says", () => {
    expect(temporalCacheDir({ ENTREPOT_CACHE: '/c' })).toMatch(/^\/c\/temporal-\d/);
    expect(temporalCacheDir({ XDG_CACHE_HOME: '/x' })).toMatch(/^\/x\/entrepot\/temporal-\d/);
  });

  test('when nothing helps, the error says what was tried and what to do, and leaves nothing half-made', async () => {
    program(join(bin, 'go'), 'echo go1.20.1');
    const realFetch = globalThis.fetch;
    globalThis.fetch = () => Promise.reject(new Error('no network'));
    try {
      await expect(findTemporal({ env: { PATH: bin }, cacheDir })).rejects.toThrow(
        /TEMPORAL_ADDRESS is not set.*download failed \(no network\).*Go is go1\.20\.1: go1\.26 or later is needed.*Install the Temporal CLI/,
      );
    } finally {
      globalThis.fetch = realFetch;
    }
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  test('a lock whose holder is gone is taken over', async () => {
    writeFileSync(join(cacheDir, 'lock'), '999999999');
    const waiting = findTemporal({ env: { PATH: bin }, cacheDir });
    const cached = program(join(cacheDir, 'temporal'));
    expect(await waiting).toMatchObject({ path: cached });
  });

  test('a server that dies says why, with the end of its log', async () => {
    const binary = program(join(bin, 'temporal'), 'echo "database is a potato" >&2; exit 3');
    const order = { binary, namespace: 'n', port: await freePort(), uiPort: await freePort() };
    const files = { dbFile: join(folder, 'db'), logFile: join(folder, 'log') };
    await expect(startTemporalServer({ ...order, ...files })).rejects.toThrow(/ended \(exit code 3\)[^]*potato/);
  });
});

const address = process.env[TEMPORAL_ADDRESS];

(address === undefined ? describe.skip : describe)('search attributes of a server that is there', () => {
  let connection: Connection;

  beforeAll(async () => {
    connection = await Connection.connect({ address: address ?? '' });
  });

  afterAll(() => connection.close());

  test('that are there already are left alone', async () => {
    expect(await ensureSearchAttributes(connection, TEMPORAL_NAMESPACE)).toEqual([]);
  });

  test('of another type are an error that names it and the way out', async () => {
    const { listSearchAttributes } = connection.operatorService;
    const spoiled = Object.create(connection, {
      operatorService: {
        value: {
          listSearchAttributes: async (request: temporal.api.operatorservice.v1.IListSearchAttributesRequest) => {
            const real = await listSearchAttributes.call(connection.operatorService, request);
            const type = temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_INT;
            return { ...real, customAttributes: { ...real.customAttributes, EntrepotSite: type } };
          },
        },
      },
    }) as Connection;
    await expect(ensureSearchAttributes(spoiled, TEMPORAL_NAMESPACE)).rejects.toThrow(
      /EntrepotSite of namespace "entrepot" is INDEXED_VALUE_TYPE_INT, Keyword is needed: remove it there/,
    );
  });
});
