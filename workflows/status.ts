/** What an operator sees of a workflow: search attribute, details line, answer of the query `status`. */
import { setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { RUNNING, STATE_ATTRIBUTE } from './search-attributes';
import { statusQuery } from './signals';

/** States that an operator searches for; between them and the rest the search attribute changes. */
const SEARCHED = new Set(['held', 'parked']);

export class Status {
  private state: string;
  private details: string;

  constructor(state: string, details: string) {
    this.state = state;
    this.details = details;
    setHandler(statusQuery, () => ({ state: this.state, details: this.details }), {
      description: 'Where this workflow stands: its state and a line an operator can read.',
    });
    this.show();
  }

  /** Details name ids, sites and counts only: they are in clear in Temporal. */
  become(state: string, details: string): void {
    const searched = SEARCHED.has(state) ? state : RUNNING;
    const before = SEARCHED.has(this.state) ? this.state : RUNNING;
    // Every upsert is an event and a write to the visibility store, so only what is searched for is written.
    if (searched !== before) upsertSearchAttributes([{ key: STATE_ATTRIBUTE, value: searched }]);
    this.state = state;
    this.details = details;
    this.show();
  }

  get current(): string {
    return this.state;
  }

  private show(): void {
    setCurrentDetails(`**${this.state}**: ${this.details}`);
  }
}
