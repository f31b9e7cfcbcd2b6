/** Where tests keep every document that the transport emits. */
import { join } from 'node:path';

export const ARCHIVE_DIR = join(__dirname, '..', '..', 'var', 'test-documents');
