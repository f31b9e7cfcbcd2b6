/** What is done to make the system speak: business as usual, and every failure that has something to tell. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openDatabase } from '../../db/migrate';
import { runEntrepot } from '../support/command';
import { until } from '../support/until';
import { type Answer, CATALOG, itemsCsv } from '../support/world';
import { plantBuyer } from './canaries';
import { type Scene, asRoot } from './scene';

const ONE = [{ sku: 'A', quantity: 1 }];

export class Acts {
  /** Everything that was answered with a problem, as it came. */
  readonly problems: string[] = [];
  /** Everything that commands printed. */
  readonly printed: string[] = [];

  constructor(private readonly scene: Scene) {}

  async openShop(): Promise<void> {
    const { world, canaries } = this.scene;
    const price = canaries.add("an item's price", `${100_000 + Math.floor(Math.random() * 900_000)}.7319`);
    const described = canaries.text("an item's description");
    await world.pushItems(`${itemsCsv({ A: '1.00' })}\nB,${described},${price}`, ['north', 'south']);
    await this.sellToGroup();
    await world.stock([{ sku: 'A', quantity: 100 }]);
  }

  /** An item that only one group may see, at a price of its own; the group's name is told to nobody. */
  private async sellToGroup(): Promise<void> {
    const { world, canaries } = this.scene;
    const group = canaries.text("a user group's name");
    await world.call('hq', 'PUT', `/groups/${group}`);
    await world.call('hq', 'PUT', '/sites/north/groups', { body: { groups: [group] } });
    const described = canaries.text("a private item's description");
    const item = ['C', described, '5.00', group, `${group}=${canaries.add("a group's price", '271828.1828')}`];
    await world.pushItems(`sku,description,price_gbp,audience,group_prices\n${item.join()}`, ['north', 'south']);
  }

  /** A cart with a buyer whom nobody else may ever hear of. */
  async fill(site: string, who: string): Promise<{ cartId: string; headers: Record<string, string> }> {
    const { world, canaries } = this.scene;
    const { buyerId, details } = plantBuyer(canaries, who);
    const made = await world.call(site, 'POST', '/carts', { body: { buyerId } });
    const token = canaries.add(`${who}'s cart token`, String(made.body['token']));
    const cartId = String(made.body['cartId']);
    const headers = { 'Cart-Token': token, 'If-Match': '*' };
    for (const [method, path, body] of [
      ['POST', '/lines', { lines: ONE }],
      ['PATCH', '', details],
    ] as const) {
      const answer = await world.call(site, method, `/carts/${cartId}${path}`, { body, headers });
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    }
    return { cartId, headers };
  }

  async buy(site: string, who: string): Promise<string> {
    const { cartId, headers } = await this.fill(site, who);
    const answer = await this.scene.world.call(site, 'POST', `/carts/${cartId}/checkout`, { headers });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return String(answer.body['orderId']);
  }

  async settled(site: string, orderId: string, state: string): Promise<void> {
    await until(
      `order ${orderId} to be ${state}`,
      async () => (await this.scene.world.orderState(site, orderId)) === state,
    );
  }

  /** While the primary is away, an order is held. */
  async hold(): Promise<void> {
    const { world, processes } = this.scene;
    await processes.kill('hq');
    const orderId = await this.buy('north', 'a held buyer');
    await until('the order to be held', async () => {
      const { body } = await world.call('north', 'GET', '/deliveries');
      return body.items?.some(({ state }) => state === 'held');
    });
    await processes.start('hq');
    await this.settled('north', orderId, 'confirmed');
  }

  /** Documents that the primary refuses, each for a value that its checks would like to quote. */
  async parkSpoiltOrders(): Promise<void> {
    const { canaries, world } = this.scene;
    const country = canaries.text('a country that is none', (mark) => `Neu-${mark}`);
    const prose = canaries.text('prose in place of a document');
    const spoilt = [
      `REPLACE(NEW.document, 'isoCountryCode="GB"', 'isoCountryCode="${country}"')`,
      `'<${prose}> & more'`,
    ];
    for (const [index, document] of spoilt.entries()) {
      const mend = await this.trigger('north', 'INSERT', 'order_documents', {
        sqlite: `AFTER INSERT ON order_documents BEGIN
          UPDATE order_documents SET document = ${document} WHERE order_id = NEW.order_id; END`,
        mariadb: `BEFORE INSERT ON order_documents FOR EACH ROW SET NEW.document = ${document}`,
      });
      const orderId = await this.buy('north', `the buyer of spoilt order ${index}`);
      await mend();
      await until('the order to be parked', async () => {
        const { body } = await world.call('hq', 'GET', '/deliveries');
        return body.items?.some(({ subject, state }) => subject === orderId && state === 'parked');
      });
    }
  }

  /** The primary's database refuses an order, quoting it. */
  async breakReceiving(): Promise<void> {
    const mend = await this.quoteAndRefuse('hq', 'INSERT', 'order_documents', 'document');
    const orderId = await this.buy('north', 'a buyer whose order breaks its receiver');
    await this.settled('north', orderId, 'parked');
    await mend();
  }

  /** An activity fails with an error that quotes an order, until the database is mended. */
  async breakAnActivity(): Promise<void> {
    const { world } = this.scene;
    const mend = await this.quoteAndRefuse('south', 'INSERT', 'order_documents', 'document');
    const { cartId, headers } = await this.fill('south', "an integrator's buyer");
    const { body } = await world.call('south', 'POST', `/carts/${cartId}/purchase-order`, { headers });
    await until('the activity to fail', async () => this.log('south').includes('activity failed'));
    await mend();
    await until('the workflow to complete', async () => {
      const run = await world.call('south', 'GET', `/workflows/${encodeURIComponent(String(body['workflowId']))}`);
      return run.body['state'] === 'completed';
    });
  }

  /** Requests that are refused, each holding something that the answer must not repeat and no log may keep. */
  async refuseRequests(): Promise<void> {
    const { canaries, world } = this.scene;
    const { cartId, headers } = await this.fill('north', 'a refused buyer');
    const card = canaries.add('a card number', '4111 1111 1111 1111');
    const payment = { method: 'token', provider: 'acme', token: card };
    const text = canaries.text('a word in a broken body', (mark) => `Zoë ${mark}`);
    const token = canaries.text('a token in the wrong place');
    const foreign = { 'Cart-Token': token };
    const json = { 'Content-Type': 'application/json' };
    const cart = `/carts/${cartId}`;
    const refused: [string, string, Parameters<typeof world.call>[3]][] = [
      ['PATCH', cart, { headers, body: { payment } }],
      ['PATCH', cart, { headers: { ...headers, ...json }, body: `{"comments": "${text}` }],
      ['PATCH', cart, { headers: { ...headers, ...json }, body: `{"comments": ${text}}` }],
      ['PATCH', cart, { headers, body: { shipTo: { name: text, street: [], city: 5 } } }],
      ['PATCH', cart, { headers, body: { buyer: { name: 'x', email: `${text}@` } } }],
      ['PATCH', cart, { headers: { ...headers, 'Content-Type': 'text/plain' }, body: text }],
      ['GET', cart, { headers: foreign }],
      ['GET', cart, { headers: { ...foreign, Authorization: `Bearer ${token}` } }],
      ['GET', `/carts/${token}`, {}],
      ['GET', `${cart}?token=${token}`, { headers: foreign }],
      ['GET', `/orders/${token}/document`, {}],
      ['DELETE', `/keys/${parseable(token)}`, {}],
      [
        'POST',
        `/catalogs/${CATALOG}/import`,
        { headers: { 'Content-Type': 'text/csv' }, body: `sku,description,price\n${text}` },
      ],
      ['POST', `/catalogs/${CATALOG}/content`, { headers: { 'Content-Type': 'text/xml' }, body: `<cXML>${text}` }],
      [
        'PUT',
        '/inventory/receipts/r',
        { headers: { 'Content-Type': 'text/csv' }, body: `sku,quantity\n${token},many` },
      ],
    ];
    for (const [method, path, options] of refused) {
      const answer = await world.call('north', method, path, options);
      if (answer.status < 400 || answer.status >= 500)
        throw new Error(`${method} ${path} was answered ${answer.status}`);
      this.problems.push(JSON.stringify(answer.body));
    }
  }

  /** Statements fail under requests: with an error that quotes a row, and because a table is away. */
  async breakTheDatabase(): Promise<void> {
    const { world, user } = this.scene;
    const { cartId, headers } = await this.fill('north', 'a buyer in a broken shop');
    const comment = { headers, body: { comments: 'again' } };
    const mend = await this.quoteAndRefuse('north', 'UPDATE', 'carts', 'ship_to');
    this.keep(await world.call('north', 'PATCH', `/carts/${cartId}`, comment), 500);
    await mend();
    await this.change('north', 'ALTER TABLE carts RENAME TO carts_away');
    this.keep(await world.call('north', 'PATCH', `/carts/${cartId}`, comment), 500);
    await this.change('north', 'ALTER TABLE carts_away RENAME TO carts');
    if (user === null) return;
    await lock(user);
    const answer = await until('the database to be away', async () => {
      const given = await world.call('south', 'GET', '/orders');
      return given.status >= 500 ? given : undefined;
    });
    this.keep(answer, 503);
    await asRoot((root) => root.query(`ALTER USER '${user}'@'%' ACCOUNT UNLOCK`));
    await until('the database to be back', async () => (await world.call('south', 'GET', '/orders')).status === 200);
  }

  /** The command line, with what works and what does not. */
  async runCommands(): Promise<void> {
    const { world, canaries } = this.scene;
    const config = (site: string) => join(world.folder, `${site}.yaml`);
    const all = ['hq', 'north', 'south'].map(config);
    const odd = canaries.text('a key where none belongs');
    const broken = join(world.folder, 'broken.yaml');
    const good = world.config('north');
    const store = good.stores[world.store];
    writeFileSync(broken, stringify({ ...good, stores: { [world.store]: { ...store, sealing: odd } } }));
    const cutOff = join(world.folder, 'cut-off.yaml');
    const password = canaries.text('a password of nobody');
    writeFileSync(cutOff, stringify({ ...good, database: `mysql://shop:${password}@127.0.0.1:9/shop` }));
    const misspelt = join(world.folder, 'misspelt.yaml');
    writeFileSync(misspelt, stringify({ ...good, database: `mysql://shop:${password}/more@127.0.0.1:9/shop` }));
    const commands: string[][] = [
      ['orders', 'list', '--json'],
      ['orders', 'show', world.store],
      ['deliveries'],
      ['status', '--json'],
      ['held', 'list'],
      ['keys', 'list', '--json'],
      ['doctor', config('north')],
      ['inventory', 'levels', '--json'],
      ['catalog', 'status'],
      ['audit', ...all],
      ['migrate', ...all],
      ['config', 'check', config('north'), '--json'],
      ...[broken, cutOff, misspelt].flatMap((file) => [
        ['config', 'check', file, '--verbose'],
        ['migrate', file, '--verbose'],
        ['audit', file, '--verbose'],
        ['doctor', file, '--verbose'],
        ['site', '--config', file, '--verbose'],
      ]),
      [
        'start',
        '--db',
        `mysql://shop:${password}@127.0.0.1:9/shop`,
        '--data',
        join(world.folder, 'trial'),
        '--port-base',
        '1',
      ],
      ['orders', 'list', '--url', 'http://127.0.0.1:9', '--key', world.key, '--verbose'],
    ];
    const env = { ENTREPOT_API_URL: good.url, ENTREPOT_API_KEY: world.key, ENTREPOT_STORE: world.store };
    for (const words of commands) {
      const { stdout, stderr } = await runEntrepot(words, { cwd: world.folder, env });
      this.printed.push(`${stdout}\n${stderr}`);
    }
  }

  log(site: string): string {
    return readFileSync(join(this.scene.world.folder, `${site}.log`), 'utf8');
  }

  private keep({ status, body }: Answer, expected: number): void {
    if (status !== expected) throw new Error(`answered ${status}, not ${expected}: ${JSON.stringify(body)}`);
    this.problems.push(JSON.stringify(body));
  }

  /** Every change of the table is refused with an error whose message is the row's own text. */
  private quoteAndRefuse(
    site: string,
    change: 'INSERT' | 'UPDATE',
    table: string,
    column: string,
  ): Promise<() => Promise<void>> {
    // As a check of the row would be told; a message has at most 128 characters, so the most personal part comes first.
    const quoted = `SUBSTRING(NEW.${column}, GREATEST(1, LOCATE('ame', NEW.${column})), 120)`;
    return this.trigger(site, change, table, {
      sqlite: `BEFORE ${change} ON ${table} BEGIN SELECT RAISE(ABORT, NEW.${column}); END`,
      mariadb: `BEFORE ${change} ON ${table} FOR EACH ROW BEGIN
        DECLARE quoted TEXT; SET quoted = ${quoted}; SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 4025, MESSAGE_TEXT = quoted; END`,
    });
  }

  private async trigger(
    site: string,
    change: string,
    table: string,
    bodies: Readonly<Record<Scene['engine'], string>>,
  ): Promise<() => Promise<void>> {
    const name = `canary_${change}_${table}`;
    await this.change(site, `CREATE TRIGGER ${name} ${bodies[this.scene.engine]}`);
    return () => this.change(site, `DROP TRIGGER ${name}`);
  }

  /** Changes a site's database from outside. */
  private async change(site: string, sql: string): Promise<void> {
    const { database } = this.scene.world.config(site);
    if (this.scene.engine === 'mariadb') {
      const name = new URL(database).pathname.slice(1);
      await asRoot(async (root) => {
        await root.query(`USE \`${name}\``);
        await root.query(sql);
      });
      return;
    }
    const db = openDatabase(database);
    await db.run(sql);
    await db.close();
  }
}

/** Of the form of a key, so that it is looked up. */
function parseable(text: string): string {
  return text.slice(0, 12);
}

async function lock(user: string): Promise<void> {
  await asRoot(async (root) => {
    await root.query(`ALTER USER '${user}'@'%' ACCOUNT LOCK`);
    const [rows] = await root.query('SELECT id FROM information_schema.processlist WHERE user = ?', [user]);
    for (const { id } of rows as { id: number }[]) await root.query(`KILL ${id}`);
  });
}
