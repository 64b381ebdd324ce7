import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;

/**
 * Connects to the emulator with Google's own connector for Java, in every way that it offers, and fails where one does not
 * work. Where the emulator is comes from the environment that run.ts sets; the Admin API is called by gRPC.
 */
public final class Main {
  private static final String ENDPOINT = System.getenv("ALLOYDB_EMULATOR_HOST");
  private static final String INSTANCE = System.getenv("ALLOYDB_INSTANCE");
  private static final String IAM_USER = System.getenv("ALLOYDB_IAM_USER");

  public static void main(String[] arguments) throws Exception {
    for (String refresh : new String[] {"REFRESH_AHEAD", "LAZY"}) {
      for (String address : new String[] {"PRIVATE", "PUBLIC", "PSC"}) {
        Properties properties = properties(INSTANCE, refresh, address);
        expect(ask(properties, "postgres", "postgres"), "postgres", refresh + ", " + address + ", password");
        properties.setProperty("alloydbEnableIAMAuth", "true");
        // The driver wants a password, and the server does not ask for it.
        expect(ask(properties, IAM_USER, "unused"), IAM_USER, refresh + ", " + address + ", IAM");
      }
      expectFailure(properties(INSTANCE, refresh, "PRIVATE"), "wrong", "password authentication failed");
      expectFailure(properties(INSTANCE + "-that-is-not-there", refresh, "PRIVATE"), "postgres", "was not found");
    }
    // The connector's threads for background refreshes run on.
    System.exit(0);
  }

  private static Properties properties(String instance, String refresh, String address) {
    Properties properties = new Properties();
    properties.setProperty("socketFactory", "com.google.cloud.alloydb.SocketFactory");
    properties.setProperty("alloydbInstanceName", instance);
    properties.setProperty("alloydbAdminServiceEndpoint", ENDPOINT);
    properties.setProperty("alloydbIpType", address);
    properties.setProperty("alloydbRefreshStrategy", refresh);
    return properties;
  }

  private static String ask(Properties given, String user, String password) throws SQLException {
    Properties properties = new Properties();
    properties.putAll(given);
    properties.setProperty("user", user);
    properties.setProperty("password", password);
    try (Connection connection = DriverManager.getConnection("jdbc:postgresql:///postgres", properties);
        var result = connection.createStatement().executeQuery("select current_user")) {
      result.next();
      return result.getString(1);
    }
  }

  private static void expect(String who, String user, String how) {
    if (!who.equals(user)) throw new AssertionError(how + ": is " + who + ", not " + user);
    System.out.println("connected: pgjdbc, " + how);
  }

  private static void expectFailure(Properties properties, String password, String part) {
    try {
      ask(properties, "postgres", password);
    } catch (SQLException error) {
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        if (!String.valueOf(cause.getMessage()).contains(part)) continue;
        System.out.println("refused, as expected: " + part);
        return;
      }
      throw new AssertionError("expected \"" + part + "\"", error);
    }
    throw new AssertionError("expected a failure with \"" + part + "\"");
  }
}
