/** A certificate authority of the test's own, made with openssl, and certificates of it. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DAYS = '2';

export class CertificateAuthority {
  readonly certificate: string;
  private readonly key: string;

  /** Files are written into `folder`. */
  constructor(
    private readonly folder: string,
    name = 'ca',
  ) {
    this.certificate = join(folder, `${name}.pem`);
    this.key = join(folder, `${name}.key`);
    openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', DAYS],
      ...['-subj', `/CN=${name} of a test`, '-keyout', this.key, '-out', this.certificate],
    );
  }

  /** A certificate for a server of this DNS name or for a client, and its key. */
  issue(name: string, dnsName: string): { certFile: string; keyFile: string } {
    const certFile = join(this.folder, `${name}.pem`);
    const keyFile = join(this.folder, `${name}.key`);
    const request = join(this.folder, `${name}.csr`);
    const extensions = join(this.folder, `${name}.ext`);
    writeFileSync(extensions, `subjectAltName=DNS:${dnsName}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    openssl(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${dnsName}`],
      ...['-keyout', keyFile, '-out', request],
    );
    openssl(
      ...['x509', '-req', '-in', request, '-CA', this.certificate, '-CAkey', this.key, '-CAcreateserial'],
      ...['-days', DAYS, '-extfile', extensions, '-out', certFile],
    );
    return { certFile, keyFile };
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
