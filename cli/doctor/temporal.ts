/** Is Temporal there, with the namespace and the search attributes that sites need? */
import { type TemporalSettings } from '../../workers/temporal-connection';
import { attributeRemedy } from '../../workers/search-attributes';
import { type TemporalCheckup } from '../../workers/temporal-checkup';
import { type Finding, Findings } from './finding';

export function judgeTemporal(
  { address, namespace }: Pick<TemporalSettings, 'address' | 'namespace'>,
  checkup: TemporalCheckup,
): Finding[] {
  const finding = new Findings('Temporal', address);
  if (checkup.state === 'away') {
    return [
      finding.fault(
        `it does not answer: ${checkup.reason}`,
        'start it, or mend temporal.address; until then sites sell and what they deliver waits',
      ),
    ];
  }
  if (checkup.state === 'no-namespace') {
    return [
      finding.fault(
        `there is no namespace "${namespace}"`,
        `make it (temporal operator namespace create --namespace ${namespace} --retention 30d), or mend temporal.namespace`,
      ),
    ];
  }
  const { missing, wrong } = checkup.attributes;
  return [
    finding.ok(`it answers, with the namespace "${namespace}"`),
    ...wrong.map(({ name, type }) =>
      finding.fault(`search attribute ${name} is ${type}, Keyword is needed`, attributeRemedy(name)),
    ),
    ...(missing.length === 0
      ? []
      : [
          finding.warning(
            `search attributes are missing: ${missing.join(', ')}`,
            'the next site that starts adds them',
          ),
        ]),
  ];
}
