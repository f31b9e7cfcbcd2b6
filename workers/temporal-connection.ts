/** How a site's configuration reaches Temporal: in clear, with TLS, with mutual TLS, with an API key. */
import { readFile } from 'node:fs/promises';
import { type TLSConfig } from '@temporalio/client';
import { type SiteConfig } from './config';

/** How long one call to Temporal may take; then it counts as away. */
export const CALL_TIMEOUT_MS = 10_000;

export type TemporalSettings = SiteConfig['temporal'];

/** For both kinds of connection. */
export async function connectionOptions({
  address,
  tls,
  apiKey,
}: TemporalSettings): Promise<{ address: string; tls?: TLSConfig; apiKey?: string }> {
  if (apiKey !== undefined) return { address, apiKey, tls: await tlsOptions(tls ?? {}) };
  return tls === undefined ? { address } : { address, tls: await tlsOptions(tls) };
}

async function tlsOptions({
  caFile,
  certFile,
  keyFile,
  serverName,
}: NonNullable<TemporalSettings['tls']>): Promise<TLSConfig> {
  return {
    ...(serverName === undefined ? {} : { serverNameOverride: serverName }),
    ...(caFile === undefined ? {} : { serverRootCACertificate: await readFile(caFile) }),
    ...(certFile === undefined || keyFile === undefined
      ? {}
      : { clientCertPair: { crt: await readFile(certFile), key: await readFile(keyFile) } }),
  };
}
