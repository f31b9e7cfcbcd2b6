/** A wait that can be cut short. */
export class Pause {
  private cutShort: () => void = () => undefined;

  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.cutShort = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the wait under way, if there is one. */
  cut(): void {
    this.cutShort();
  }
}
