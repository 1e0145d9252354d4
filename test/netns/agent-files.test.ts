// hosts and resolv.conf of sandboxes: written in place, and never over what a user edited, whatever comes.
import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHost, fileObject, type Host, idOf, networkObjects } from './agent-host.ts';

const a = idOf('s0');
const key = `file/${a}/hosts`;
const pathOf = (host: Host) => join(host.runDir, 'sandboxes', a.slice(0, 12), 'hosts');
const said = (host: Host): string[] =>
  host.reports.flatMap(({ drifts }) => drifts.filter((one) => one.key === key).map(({ what }) => what));
const put = (host: Host, content: string) => host.apply([fileObject(a, 'hosts', content)]);
const text = (host: Host): string => readFileSync(pathOf(host), 'utf8');

describe('a file of a sandbox', () => {
  it('is written in place: who has it mounted sees what is new', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 1));
    const before = statSync(pathOf(host));
    await put(host, 'new\n');
    expect([text(host), statSync(pathOf(host)).ino, before.mode & 0o777]).toEqual(['new\n', before.ino, 0o644]);
    expect(said(host)).toEqual([]);
  });

  it('that a user edited is kept, which is said once, also after a restart of the agent', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 1));
    const own = text(host);
    appendFileSync(pathOf(host), '10.9.9.9\tmine\n');
    const { drifts } = await host.writer.look();
    expect(drifts).toMatchObject([{ key, what: expect.stringContaining('was edited: it is kept as it is') }]);
    expect(drifts[0]?.repaired).toBeUndefined();
    await put(host, 'new\n');
    expect((await host.writer.look()).drifts).toEqual([]);
    const again = await host.restart();
    const rest = networkObjects('br-w', 1).filter((one) => one.key !== key);
    await again.writer.apply({
      put: [...rest, fileObject(a, 'hosts', 'newer\n')],
      delete: [],
      reset: true,
      synced: true,
    });
    expect([text(host), said(again)]).toEqual([`${own}10.9.9.9\tmine\n`, []]);
    // Taken back: what weft wrote last, though it is not what is due any more.
    writeFileSync(pathOf(host), own);
    await again.writer.look();
    expect(text(host)).toBe('newer\n');
    await put(again, 'newest\n');
    expect(text(host)).toBe('newest\n');
  });

  it('that was edited before anything was said of it is kept when new content comes', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 1));
    writeFileSync(pathOf(host), 'mine\n');
    await put(host, 'new\n');
    await host.until(() => said(host).length === 1);
    expect(text(host)).toBe('mine\n');
    // What is due now is as good as what was written last; a file that is gone is nobody's.
    writeFileSync(pathOf(host), 'new\n');
    await host.writer.look();
    await put(host, 'newer\n');
    expect(text(host)).toBe('newer\n');
    writeFileSync(pathOf(host), 'mine again\n');
    await host.writer.look();
    rmSync(pathOf(host));
    await host.writer.look();
    expect(text(host)).toBe('newer\n');
  });

  it('that was half written when the agent died is written again', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 1));
    writeFileSync(`${pathOf(host)}.written`, 'writing\n');
    writeFileSync(pathOf(host), 'ha');
    await put(host, 'whole\n');
    expect(text(host)).toBe('whole\n');
  });

  it('leaves nothing behind', async () => {
    const host = await createHost();
    await host.apply(networkObjects('br-w', 1));
    writeFileSync(pathOf(host), 'mine\n');
    await host.writer.look();
    await host.apply(
      [],
      networkObjects('br-w', 1).map((one) => one.key),
    );
    expect(() => statSync(join(host.runDir, 'sandboxes', a.slice(0, 12)))).toThrow('ENOENT');
  });
});
