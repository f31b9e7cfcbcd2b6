/** Where the build puts the bundled workflow code. */
import { join } from 'node:path';
import { PACKAGE_ROOT } from './package-root';

export const WORKFLOW_BUNDLE = join(PACKAGE_ROOT, 'dist', 'workflow-bundle.js');
