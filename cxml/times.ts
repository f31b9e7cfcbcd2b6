/** cXML's datetime.tz: ISO 8601 with an offset. */
import { XmlError } from './reader';

const DATE_TIME_WITH_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

export function hasOffset(text: string): boolean {
  return DATE_TIME_WITH_OFFSET.test(text) && Number.isFinite(Date.parse(text));
}

/** Milliseconds UTC. */
export function parsedTime(text: string, where: string): number {
  if (!hasOffset(text)) throw new XmlError(`${where}: a time with its offset is needed`, { value: text });
  return Date.parse(text);
}
