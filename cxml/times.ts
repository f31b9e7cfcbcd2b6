/** cXML's datetime.tz: ISO 8601 with an offset. */
import { parseTime } from '../domain/times';
import { XmlError } from './reader';

export function hasOffset(text: string): boolean {
  return parseTime(text) !== null;
}

/** Milliseconds UTC. */
export function parsedTime(text: string, where: string): number {
  const time = parseTime(text);
  if (time === null) throw new XmlError(`${where}: a time with its offset is needed`, { value: text });
  return time;
}
