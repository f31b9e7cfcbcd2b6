/** The operator's commands. Each one's code is loaded when it is called, so that --help is quick. */
import { type Command } from 'commander';
import { duration, oneOf } from './arguments';
import { type BackupOptions } from './backup';
import { type CreateKeyOptions } from './keys';
import { type RestoreOptions } from './restore';
import { KEY_ROLES } from '../db/api-keys';
import { type TargetOptions, withTarget } from './target-options';
import { TRIAL_DATA_DEFAULT } from './trial/layout';

export function operatorCommands(program: Command): void {
  withTarget(program.command('status').description('how every site of the trial system is, or the one that is named'))
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./status.js')).runStatus(options));
  program
    .command('doctor')
    .description('name what is wrong with sites, their databases, Temporal and clocks, and what to do about it')
    .argument('[files...]', "the sites' configuration files (default: those of the trial system)")
    .option('--data <dir>', "the trial system's data directory", TRIAL_DATA_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (files: string[], options: { data: string; json?: boolean }) =>
      (await import('./doctor.js')).runDoctor(files, options),
    );
  withTarget(
    program.command('deliveries').description('everything on its way: at which site, for whom, since when and why'),
  )
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./deliveries.js')).runDeliveries(options));
  withTarget(
    program
      .command('held')
      .description('what does not move')
      .command('list')
      .description('of the deliveries, those that are held, parked or waiting'),
  )
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./deliveries.js')).runHeldList(options));
  backupCommands(program);
  keyCommands(program.command('keys').description("a site's API keys"));
  groupCommands(program.command('groups').description('user groups, and which sites serve them'));
}

function groupCommands(groups: Command): void {
  withTarget(groups.command('list').description('the user groups and their ids'))
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./groups.js')).runGroupsList(options));
  withTarget(groups.command('add').description('a new user group'))
    .argument('<name>', 'such as gold')
    .option('--json', 'as JSON')
    .action(async (name: string, options: TargetOptions) => (await import('./groups.js')).runGroupsAdd(name, options));
  withTarget(groups.command('served').description('the user groups that a site serves'))
    .argument('<site>', 'such as north')
    .option('--json', 'as JSON')
    .action(async (site: string, options: TargetOptions) =>
      (await import('./groups.js')).runGroupsServed(site, options),
    );
  withTarget(groups.command('serve').description('let a site serve these user groups and no others'))
    .argument('<site>', 'such as north')
    .argument('[groups...]', 'by name or id; none: it serves everyone alike')
    .option('--json', 'as JSON')
    .action(async (site: string, names: string[], options: TargetOptions) =>
      (await import('./groups.js')).runGroupsServe(site, names, options),
    );
}

function keyCommands(keys: Command): void {
  withTarget(keys.command('create').description('a new key; its text is shown once'))
    .requiredOption('--role <role>', `what it may do: ${KEY_ROLES.join(', ')}`, oneOf(KEY_ROLES))
    .requiredOption('--label <text>', 'whose it is, for people')
    .option('--for-site <site>', 'good at this site only (default: at any that knows it)')
    .option('--lifetime <time>', 'such as 90d or 12h (default: for ever)', duration)
    .option('--json', 'as JSON')
    .option('--group <group...>', 'a user group whose items it may see, by name at the primary, elsewhere by id')
    .action(async (options: CreateKeyOptions) => (await import('./keys.js')).runKeysCreate(options));
  withTarget(keys.command('list').description('every key, without its secret'))
    .option('--json', 'as JSON')
    .action(async (options: TargetOptions) => (await import('./keys.js')).runKeysList(options));
  withTarget(keys.command('rotate').description('a new key in place of an old one, which ends after an overlap'))
    .argument('<key>', 'the id of the old key: what stands between the underscores')
    .option('--overlap <time>', 'how long the old key stays good, such as 1h (default: 24h)', duration)
    .option('--json', 'as JSON')
    .action(async (key: string, options: TargetOptions & { overlap?: number }) =>
      (await import('./keys.js')).runKeysRotate(key, options),
    );
  withTarget(keys.command('revoke').description('end a key at once'))
    .argument('<key>', "the key's id")
    .option('--json', 'as JSON')
    .action(async (key: string, options: TargetOptions) => (await import('./keys.js')).runKeysRevoke(key, options));
}

function backupCommands(program: Command): void {
  const backup = program.command('backup').description("copies of sites' databases");
  backup
    .command('create', { isDefault: true })
    .description('a consistent copy of each database, while the sites sell, with a manifest beside it')
    .argument('[files...]', "the sites' configuration files (default: those of the trial system)")
    .requiredOption('--to <dir>', 'the folder for the copies')
    .option('--data <dir>', "the trial system's data directory", TRIAL_DATA_DEFAULT)
    .option('--json', 'as JSON')
    .action(async (files: string[], options: BackupOptions) => (await import('./backup.js')).runBackup(files, options));
  backup
    .command('verify')
    .description('is a backup whole and unchanged?')
    .argument('<files...>', 'the copies, or their manifests')
    .option('--json', 'as JSON')
    .action(async (files: string[], options: { json?: boolean }) =>
      (await import('./backup.js')).runBackupVerify(files, options),
    );
  program
    .command('restore')
    .description('put a backup in the place of a lost database, as new data of its site')
    .argument('<file>', 'the copy, or its manifest')
    .requiredOption('--config <file>', "the site's configuration file")
    .option('--keep-rights', 'the site did nothing after the backup: what it may sell is what it was')
    .option('--json', 'as JSON')
    .action(async (file: string, options: RestoreOptions) => (await import('./restore.js')).runRestore(file, options));
}
