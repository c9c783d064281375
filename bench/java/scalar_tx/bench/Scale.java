package scalar_tx.bench;

/** How much there is of TPC-C, and what its uneven draws are made with. */
@SuppressWarnings("unused") // Gson fills it
final class Scale {
  int items;
  int customers;
  int item_a;
  int customer_a;
  int name_a;

  int names() {
    return Math.min(1000, customers);
  }
}
