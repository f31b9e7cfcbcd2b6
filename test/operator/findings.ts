/** What the doctor's tests share. */
import { type Check, type Finding } from '../../cli/doctor/finding';

/** Nothing listens there. */
export const NOWHERE = { temporalAddress: '127.0.0.1:1' };

export const not = (level: Finding['level'], findings: readonly Finding[]) =>
  findings.filter((finding) => finding.level !== level);
export const of = (check: Check, findings: readonly Finding[]) => findings.filter((finding) => finding.check === check);
