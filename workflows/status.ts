/** What an operator sees of a workflow: search attribute, details line, answer of the query `status`. */
import { setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { STATE_ATTRIBUTE } from './search-attributes';
import { statusQuery } from './signals';

export class Status {
  private state = '';
  private details = '';

  constructor(state: string, details: string) {
    setHandler(statusQuery, () => ({ state: this.state, details: this.details }), {
      description: 'Where this workflow stands: its state and a line an operator can read.',
    });
    this.become(state, details);
  }

  /** Details name ids, sites and counts only: they are in clear in Temporal. */
  become(state: string, details: string): void {
    if (state !== this.state) upsertSearchAttributes([{ key: STATE_ATTRIBUTE, value: state }]);
    this.state = state;
    this.details = details;
    setCurrentDetails(`**${state}**: ${details}`);
  }

  get current(): string {
    return this.state;
  }
}
